import { invariant } from '@ferrite/errors';
import {
  type CausalContext,
  compareDots,
  contextAtTime,
  contextOf,
  emptyContext,
  HYBRID_TICKS_PER_MS,
  join,
  timeOf,
} from '@ferrite/vector-clock';
import type { StoredValue, Versions } from './record.ts';
import type { ReplicaContext } from './replica-context.ts';

/** A write of a keyspace with the policy `lww`, as its coordinator has it. */
export interface LastWrite {
  /** Absent: a delete. */
  readonly value: StoredValue | undefined;
  /** Absent: a blind write. */
  readonly context: CausalContext | undefined;
}

/** What is written in the end, as `writeRecord` takes it. */
export interface TimedWrite {
  readonly context: CausalContext;
  readonly value: StoredValue | undefined;
  /** What the writer is told, beside the new dot: what it saw, and the time (P4). */
  readonly told: CausalContext;
  /** Its hybrid time. */
  readonly ticks: number;
}

/**
 * Makes a write the last one where it is made (P6, INV-REPL-20): it replaces what its writer saw and every
 * sibling stored here, and its time is above those of all of them. So along every chain of replacements times ascend, no
 * two writes can replace each other, and the choice among siblings never goes back to what a chosen value replaced.
 * Siblings arise only from writes that two coordinators took without knowing of each other, and stay until a later write
 * has seen them: a delete removes what it has seen, whatever the time of the others.
 */
export function lastWrite(
  { planted, clock, wallMs }: Pick<ReplicaContext, 'planted' | 'clock' | 'wallMs'>,
  stored: Versions,
  write: LastWrite,
): TimedWrite {
  const seen = write.context ?? emptyContext;
  // A keyspace that kept siblings before has values whose times no context carries.
  const times = stored.siblings.map(({ value }) => value.writtenAtMs * HYBRID_TICKS_PER_MS);
  const floor = planted('lww-ignores-record') ? 0 : Math.max(timeOf(stored.context), timeOf(seen), ...times);
  const ticks = clock.next(wallMs(), floor);
  invariant(ticks > floor, 'INV-REPL-20', 'a write is later than all it replaces');
  const here = planted('lww-piles-up') ? emptyContext : contextOf(stored.siblings.map(({ dot }) => dot));
  const told = join(seen, contextAtTime(ticks));
  const value = write.value && { ...write.value, writtenAtMs: ticks / HYBRID_TICKS_PER_MS };
  return { context: join(told, here), told, value, ticks };
}

/** `versions` with the newest of its siblings alone, under the context of all: the next write replaces them all (P6). */
export function chooseLast(versions: Versions, oldest = false): Versions {
  const { context, siblings } = versions;
  const [first, ...others] = siblings;
  if (first === undefined || others.length === 0) return versions;
  const chosen = others.reduce((best, each) => {
    const order = best.value.writtenAtMs - each.value.writtenAtMs || compareDots(best.dot, each.dot);
    return order < 0 !== oldest ? each : best;
  }, first);
  return { context, siblings: [chosen] };
}
