import { type ActorId, actorId, addDot, type CausalContext, type Dot, emptyContext } from '@ferrite/vector-clock';
import { checkHistory } from './checker.ts';
import type { History, ReadRecord, SeenValue, WriteRecord } from './history.ts';

export const A: ActorId = actorId('aa'.repeat(16));
export const B: ActorId = actorId('bb'.repeat(16));
export const KEY = 'k';

/** A put of "v<id>" that got `own` and ended one millisecond after it started. */
export function put(
  id: number,
  startedAt: number,
  own: Dot,
  context?: CausalContext,
  change: Partial<WriteRecord> = {},
): WriteRecord {
  return {
    id,
    key: KEY,
    kind: 'put',
    value: `v${id}`,
    context,
    consistency: 'QUORUM',
    durability: 'DEVICE',
    startedAt,
    endedAt: startedAt + 1,
    outcome: 'done',
    response: addDot(context ?? emptyContext, own),
    acked: 3,
    durable: 3,
    replicas: 3,
    ...change,
  };
}

/** A quorum read that took one millisecond. */
export function read(
  id: number,
  startedAt: number,
  context: CausalContext,
  values: readonly SeenValue[],
  change: Partial<ReadRecord> = {},
): ReadRecord {
  return {
    id,
    key: KEY,
    consistency: 'QUORUM',
    source: 'get',
    startedAt,
    endedAt: startedAt + 1,
    context,
    values,
    ...change,
  };
}

/** The value of the put with that id. */
export function seen(id: number, at: Dot): SeenValue {
  return { dot: at, value: `v${id}` };
}

/** The rules that a history breaks, each once, in alphabetical order; what it leaves out is empty. */
export function rulesBroken(history: Partial<History>): readonly string[] {
  const violations = checkHistory({ writes: [], reads: [], scans: [], finals: [], kept: 'quorum', ...history });
  return [...new Set(violations.map(({ rule }) => rule))].sort();
}
