import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterLoad } from '../cluster-load.ts';
import { type NodeProcesses, openNodeProcesses } from '../node-process.ts';
import type { Figure, SampledSpec, Suite } from '../suite.ts';
import { openWorker, type Worker } from '../worker.ts';

const NODES = 3;
const KEYS = 200_000;
const IN_FLIGHT = 64;
const OPERATIONS = ['put', 'get'] as const;
const QUIET_WITHIN_MS = 170_000;
const BUSY_WITHIN_MS = 30_000;
/** The node that loses its disk, and the one whose Merkle trees are built anew. */
const WIPED = 2;
const RESTARTED = 0;

/** What one round has shown of one operation: with background work over without. */
interface Round {
  readonly quiet: Figure;
  readonly busy: Figure;
}

/** What background work costs the clients of a cluster at full load. */
export const backgroundSuite: Suite = {
  name: 'background',
  question:
    'What does background work cost clients? Durable puts of fresh keys and gets of 1 KiB at QUORUM, 64 in flight on three ' +
    'real nodes with 200,000 records, while one node rebuilds its wiped disk and another builds its Merkle trees and compares ' +
    'them, over the same without, turn by turn in one run.',
  async open({ directory, quick, say }) {
    await using opened = new AsyncDisposableStack();
    say('starting three nodes and a client process');
    const nodes = opened.use(await openNodeProcesses(directory, NODES));
    const client = opened.use(openWorker<ClusterLoad, Figure>('./cluster-client.ts', nodes.servers));
    const plan = quick ? { rounds: 2, seconds: 2 } : { rounds: 7, seconds: 4 };
    let measured: Promise<ReadonlyMap<string, readonly Round[]>> | undefined;
    const row = (operation: ClusterLoad['operation'], metric: 'rate' | 'p99'): SampledSpec => ({
      name: `${operation}-64-${metric}-during-rebuild-vs-without`,
      unit: 'ratio',
      async sample() {
        measured ??= measure({ nodes, client, say }, plan);
        const rounds = (await measured).get(operation) ?? [];
        const values = rounds.map(({ quiet, busy }) => (busy[metric] ?? 0) / (quiet[metric] ?? 0));
        const told = rounds.map(({ quiet, busy }) => `${shown(busy, metric)} over ${shown(quiet, metric)}`);
        return { values, note: told.join(', ') };
      },
    });
    const running = opened.move();
    return {
      results: OPERATIONS.flatMap((operation) => [row(operation, 'rate'), row(operation, 'p99')]),
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};

interface Setting {
  readonly nodes: NodeProcesses;
  readonly client: Worker<ClusterLoad, Figure>;
  readonly say: (line: string) => void;
}

async function measure(
  { nodes, client, say }: Setting,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const load = async (): Promise<readonly Figure[]> => {
    const figures: Figure[] = [];
    for (const operation of OPERATIONS)
      figures.push(await client.ask({ operation, inFlight: IN_FLIGHT, seconds, keys: KEYS }));
    return figures;
  };
  // Fills the nodes, and warms up everybody.
  await load();
  const done = new Map<string, Round[]>(OPERATIONS.map((operation) => [operation, []]));
  for (let round = 0; round < rounds; round++) {
    await untilQuiet(nodes);
    // Turn about, so that what drifts favours neither.
    const quietFirst = round % 2 === 0;
    const first = quietFirst ? await load() : undefined;
    await nodes.restart(RESTARTED, 'clean');
    await nodes.restart(WIPED, 'wiped');
    await untilBusy(nodes);
    // A process that has just begun is slow for a while, whatever it does besides.
    await load();
    const busy = await load();
    const after = (await works(nodes.servers[WIPED]!)).get('recovery');
    if (after === 0) throw new Error('the rebuild ended before the load did: give it more records');
    say(`round ${round + 1}: ${(await statusOf(nodes.servers[WIPED]!)).detail}`);
    if (!quietFirst) await untilQuiet(nodes);
    const quiet = first ?? (await load());
    for (const [at, operation] of OPERATIONS.entries())
      done.get(operation)!.push({ quiet: quiet[at]!, busy: busy[at]! });
  }
  return done;
}

/** Waits until every node has all it should have, and every tree is built and compared once. */
async function untilQuiet({ servers }: NodeProcesses): Promise<void> {
  await until(QUIET_WITHIN_MS, 'the cluster does not come to rest', async () => {
    const statuses = await Promise.all(servers.map(statusOf));
    const work = await Promise.all(servers.map(works));
    return (
      statuses.every(({ state, repair }) => state === 'serving' && repair.rounds > 0 && repair.differing === 0) &&
      work.every((kinds) => [...kinds.values()].every((count) => count === 0))
    );
  });
}

/** Waits until one node merges pages of its lost records and another builds trees. */
async function untilBusy({ servers }: NodeProcesses): Promise<void> {
  await until(BUSY_WITHIN_MS, 'no background work has begun', async () => {
    const rebuilding = (await works(servers[WIPED]!)).get('recovery') ?? 0;
    return rebuilding > 0;
  });
}

async function until(withinMs: number, otherwise: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await sleep(100);
  }
}

interface Status {
  readonly state: string;
  readonly detail: string;
  readonly repair: {
    readonly rounds: number;
    readonly differing: number;
    readonly background: readonly { readonly kind: string; readonly waiting: number; readonly inFlight: number }[];
  };
}

async function statusOf(server: string): Promise<Status> {
  const response = await fetch(`${server}/ferrite.node.v1.NodeService/GetStatus`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  return ((await response.json()) as { status: Status }).status;
}

/** Operations of each kind of background work that wait or are in flight. */
async function works(server: string): Promise<ReadonlyMap<string, number>> {
  const { background } = (await statusOf(server)).repair;
  return new Map(background.map(({ kind, waiting, inFlight }) => [kind, waiting + inFlight]));
}

function shown(figure: Figure, metric: 'rate' | 'p99'): string {
  return metric === 'rate' ? `${Math.round(figure.rate)}/s` : `${((figure.p99 ?? 0) / 1000).toFixed(1)} ms`;
}
