import { latin1 } from '../core/bytes.ts';
import type { Prng } from './prng.ts';
import type { SimClients } from './sim-clients.ts';
import type { SimNode } from './sim-node.ts';
import type { Timeline } from './timeline.ts';

/** A healed cluster has this long, in virtual milliseconds, until every node serves. */
const HEAL_MS = 60_000;
/** Longer than any message is under way. */
const DRAIN_MS = 3_000;
const ATTEMPTS_MAX = 5;
const TIMEOUT_MS = 2_000;
/** At least so many pairs of a key and a node are tried, if there are so many. */
const PAIRS_MIN = 12;

/** What the end of a run works with; `failed` is told what does not live. */
export interface Ending {
  readonly timeline: Timeline;
  readonly nodes: readonly SimNode[];
  readonly clients: SimClients;
  readonly prng: Prng;
  failed(what: string): void;
  /** Called when all serve and nothing is under way, before the first read makes anything equal. */
  quiet(): void;
}

/**
 * After the last fault: every node serves all its partitions as a member, every request is answered, every key can be read
 * and written at QUORUM through nodes that differ, every partition scanned, and every key read at ALL. False if the nodes do
 * not even serve.
 */
export function checkLiveness(ending: Ending): boolean {
  const { timeline, nodes, clients, prng } = ending;
  const failed = (what: string): void => ending.failed(what);
  if (!runUntilServing(timeline, nodes)) {
    for (const node of nodes.filter(({ serving }) => !serving))
      failed(`${node.id} does not serve: ${JSON.stringify(node.status)}`);
    return false;
  }
  drain(timeline, nodes);
  for (const { id, unanswered } of nodes)
    if (unanswered > 0) failed(`${id} owes ${unanswered} answers though nothing is under way`);

  ending.quiet();
  const { keys } = clients;
  const pairs = Math.min(keys.length * nodes.length, Math.max(keys.length, PAIRS_MIN));
  const attempts: Attempt[] = [];
  for (let at = 0; at < pairs; at++) {
    const key = keys[at % keys.length]!;
    const node = nodes[(at + Math.floor(at / keys.length)) % nodes.length]!;
    const what = `${latin1(key)} cannot be read and written at QUORUM through ${node.id}`;
    attempts.push({ what, run: (then) => clients.readAndWrite(node, key, TIMEOUT_MS, then) });
  }
  for (const partition of new Set(keys.map((key) => clients.partitionOf(key)))) {
    const what = `partition ${partition} cannot be scanned at QUORUM`;
    attempts.push({ what, run: (then) => clients.scanAtQuorum(prng.pick(nodes), partition, TIMEOUT_MS, then) });
  }
  insist(ending, attempts);
  if (!clients.history.forgets) {
    insist(
      ending,
      keys.map((key) => ({
        what: `no replica knows what was promised of ${latin1(key)}`,
        run: (then) => clients.readInSession(prng.pick(nodes), key, TIMEOUT_MS, then),
      })),
    );
  }
  insist(
    ending,
    keys.map((key) => ({
      what: `${latin1(key)} cannot be read at ALL`,
      run: (then) => clients.readAtAll(prng.pick(nodes), key, TIMEOUT_MS, then),
    })),
  );
  return true;
}

interface Attempt {
  readonly what: string;
  run(then: (ok: boolean) => void): void;
}

/** Tries all at once, and what fails again a few times. */
function insist({ timeline, ...ending }: Ending, attempts: readonly Attempt[]): void {
  let left = attempts;
  for (let count = 0; count < ATTEMPTS_MAX && left.length > 0; count++) {
    const done = new Set<Attempt>();
    for (const attempt of left)
      attempt.run((ok) => {
        if (ok) done.add(attempt);
      });
    const end = timeline.now + 2 * TIMEOUT_MS + 500;
    while (timeline.now < end && done.size < left.length) timeline.runUntil(timeline.now + 100);
    left = left.filter((attempt) => !done.has(attempt));
  }
  for (const { what } of left) ending.failed(what);
}

/** Runs on until every node serves; false if that does not happen in time. */
function runUntilServing(timeline: Timeline, nodes: readonly SimNode[]): boolean {
  const end = timeline.now + HEAL_MS;
  while (timeline.now < end) {
    for (const node of nodes) node.start();
    if (nodes.every(({ serving }) => serving)) return true;
    timeline.runUntil(timeline.now + 50);
  }
  return false;
}

/** Lets everything that is under way arrive, and every request be answered, which a slow disk may take long for. */
function drain(timeline: Timeline, nodes: readonly SimNode[]): void {
  const end = timeline.now + HEAL_MS;
  do timeline.runUntil(timeline.now + DRAIN_MS);
  while (timeline.now < end && nodes.some(({ unanswered }) => unanswered > 0));
}
