import { openClient } from '@ferrite/client';
import { startLocalCluster } from '../../apps/node-server/test/local-cluster.ts';
import { Prng } from '../../packages/replication/src/testing/prng.ts';
import { measureDetection } from './detection.ts';
import { Load } from './load.ts';
import type { ChaosCommand, Measure } from './options.ts';
import { measureCalm } from './suspicion.ts';

const IMAGE_MIB = 1024;
const PROGRESS_EVERY_MS = 10_000;
/** All survivors must hold a killed node for dead within this time. */
const DETECTION_MS_MAX = 2_000;
/** 99 of 100 requests at QUORUM that begin within 3 s after a kill are answered within this time. */
const AFTER_KILL_P99_MS_MAX = 1_000;

export interface MeasureReport {
  readonly figures: Readonly<Record<string, number | string>>;
  /** Bounds that were not kept. */
  readonly violations: readonly string[];
}

/** Real processes under a steady load, and one question about what they hold of each other. */
export async function runMeasure(
  measure: Measure,
  command: ChaosCommand,
  say: (line: string) => void,
): Promise<MeasureReport> {
  const { seed, rate, keys } = command;
  await using cluster = await startLocalCluster({ nodes: command.nodes, sizeMiB: IMAGE_MIB, built: true });
  const { nodes } = cluster;
  await Promise.all(nodes.map((node) => node.serving()));
  await using client = await openClient({ servers: nodes.map(({ url }) => url) });
  const load = new Load(client, new Prng(seed, 'load'), keys);
  const stop = new AbortController();
  const progress = setInterval(() => say(`${load.operations} operations, ${load.failed} failed`), PROGRESS_EVERY_MS);
  const loading = load.run(rate, stop.signal);
  const startedAt = performance.now();
  try {
    const report =
      measure === 'detection' ? await detection(nodes, load, command, say) : await suspicion(nodes, command, say);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    stop.abort();
    await loading;
    const { operations: ops, failed: errors } = load;
    const [p50Ms, p99Ms] = [0.5, 0.99].map((share) => milli(load.latencies.quantileUs(share)));
    const common = { measure, nodes: nodes.length, seed, rate, ops, errors, p50Ms: p50Ms!, p99Ms: p99Ms!, seconds };
    const violations = [...report.violations, ...load.violations];
    return { figures: { ...common, ...report.figures, violations: violations.length }, violations };
  } finally {
    clearInterval(progress);
    stop.abort();
    await loading;
  }
}

async function detection(
  nodes: Parameters<typeof measureCalm>[0],
  load: Load,
  { kills, seed }: ChaosCommand,
  say: (line: string) => void,
): Promise<MeasureReport> {
  const prng = new Prng(seed, 'kills');
  const all = await measureDetection(kills, { nodes, prng, say, onKill: () => load.noteKill() });
  const sorted = all.map(({ allMs }) => allMs).sort((a, b) => a - b);
  const late = all.filter(({ allMs }) => allMs > DETECTION_MS_MAX);
  const p99AfterKillMs = milli(load.afterKill.quantileUs(0.99));
  const violations = late.map(({ victim, allMs }) => {
    return `${victim} was held for dead by all ${Math.round(allMs)} ms after its kill, not within ${DETECTION_MS_MAX} ms`;
  });
  if (p99AfterKillMs > AFTER_KILL_P99_MS_MAX) {
    violations.push(
      `p99 of requests begun within 3 s after a kill is ${p99AfterKillMs} ms, not ${AFTER_KILL_P99_MS_MAX}`,
    );
  }
  const figures = {
    kills,
    firstMedianMs: Math.round(median(all.map(({ firstMs }) => firstMs))),
    detectionMedianMs: Math.round(median(sorted)),
    detectionMostMs: Math.round(sorted.at(-1)!),
    lateDetections: late.length,
    aliveMedianMs: Math.round(median(all.map(({ aliveMs }) => aliveMs))),
    requestsAfterKill: load.afterKill.total,
    p99AfterKillMs,
  };
  return { figures, violations };
}

async function suspicion(
  nodes: Parameters<typeof measureCalm>[0],
  { minutes, cpuLoad }: ChaosCommand,
  say: (line: string) => void,
): Promise<MeasureReport> {
  const seconds = minutes * 60;
  say(`every core busy for ${cpuLoad} % of ${seconds} s, no fault`);
  // The processes may end by themselves a little after they are told to.
  const calm = await measureCalm(nodes, {
    cpuLoad,
    seconds: seconds + 5,
    signal: AbortSignal.timeout(seconds * 1_000),
  });
  const { suspicions, deaths } = calm;
  const violations =
    suspicions + deaths === 0 ? [] : [`${suspicions} suspicions and ${deaths} deaths of nodes that were well`];
  const { seconds: _, ...rest } = calm;
  const slowestViewMs = Math.round(rest.slowestViewMs);
  const processorShare = milli(rest.processorShare * 1_000);
  return { figures: { minutes, cpuLoad, ...rest, slowestViewMs, processorShare }, violations };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function milli(us: number): number {
  return Math.round(us) / 1_000;
}
