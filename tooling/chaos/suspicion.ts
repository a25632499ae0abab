import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalNode } from '../../apps/node-server/test/local-cluster.ts';
import { busyShare, processorTime, startBusyProcesses } from './busy.ts';
import { peersOf, verdictsIn } from './peer-views.ts';

const POLL_MS = 1_000;

/** What the nodes thought of each other while nothing was wrong. */
export interface CalmFigures {
  readonly seconds: number;
  /** Times that a node came to hold another for suspect, and for dead, by the logs. */
  readonly suspicions: number;
  readonly deaths: number;
  /** Views asked for, how many of them held a node for less than alive, and how many were not told in time. */
  readonly views: number;
  readonly doubtfulViews: number;
  readonly unansweredViews: number;
  /** The longest that a node took to tell its view, in milliseconds: how long it did not get to work. */
  readonly slowestViewMs: number;
  readonly busyProcesses: number;
  /** Share of the machine's cores in use, by whomever. */
  readonly processorShare: number;
}

/** Keeps the machine busy until the signal fires, at most `seconds`, and watches what the nodes hold of each other. */
export async function measureCalm(
  nodes: readonly LocalNode[],
  options: { readonly cpuLoad: number; readonly seconds: number; readonly signal: AbortSignal },
): Promise<CalmFigures> {
  const startedAt = performance.now();
  const before = processorTime();
  const marks = nodes.map((node) => node.log().length);
  await using busy = startBusyProcesses(options.cpuLoad, options.seconds);
  const looks = { views: 0, doubtfulViews: 0, unansweredViews: 0, slowestViewMs: 0 };
  const look = async (node: LocalNode): Promise<void> => {
    const askedAt = performance.now();
    const peers = await peersOf(node).catch(() => undefined);
    looks.views++;
    looks.slowestViewMs = Math.max(looks.slowestViewMs, performance.now() - askedAt);
    if (peers === undefined) looks.unansweredViews++;
    else if (peers.some(({ liveness }) => liveness !== 'alive')) looks.doubtfulViews++;
  };
  while (!options.signal.aborted) {
    await Promise.all(nodes.map(look));
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
  const processorShare = busyShare(before, processorTime());
  const verdicts = nodes.flatMap((node, at) => verdictsIn(node.log().slice(marks[at]!)));
  const count = (state: string): number => verdicts.filter((verdict) => verdict.state === state).length;
  return {
    seconds: (performance.now() - startedAt) / 1_000,
    suspicions: count('suspect'),
    deaths: count('dead'),
    ...looks,
    busyProcesses: busy.count,
    processorShare,
  };
}
