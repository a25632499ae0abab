import { isNoisy, median, quartiles } from './statistics.ts';
import type { ComparedSpec, Figure, Measure, ResultSpec, SampledSpec } from './suite.ts';

/** How long and how often. A round is A B B A; each side works for `secondsPerSide` of it. */
export interface Plan {
  readonly rounds: number;
  readonly secondsPerSide: number;
}

export const FULL: Plan = { rounds: 9, secondsPerSide: 3 };
export const QUICK: Plan = { rounds: 3, secondsPerSide: 1 };

/** A row of the published JSON. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  /** Median over the rounds; null: not measured, and `reason` says why. */
  readonly value: number | null;
  readonly quartiles: readonly [number, number] | null;
  /** Of ours, in microseconds; null where it was not measured. */
  readonly p50: number | null;
  readonly p99: number | null;
  readonly cpu_us_per_op: number | null;
  readonly peer: string | null;
  readonly peer_config: string | null;
  /** Medians of the compared figure itself, for reading; ratios are what counts. */
  readonly ours_figure: number | null;
  readonly peer_figure: number | null;
  /** Of the peer, as those of ours. */
  readonly peer_p50: number | null;
  readonly peer_p99: number | null;
  readonly peer_cpu_us_per_op: number | null;
  /** What was measured, where that is no load of some seconds. */
  readonly note?: string;
  readonly noisy?: true;
  readonly reason?: string;
}

/** Both sides' figures of one round (the mean of a side's two turns), and what is made of them. */
interface Round {
  readonly ours: Figure;
  readonly peer?: Figure;
  readonly value: number;
}

/**
 * Measures one result: the median over ABBA rounds of the per-round ratio, so that slow drift of the machine cancels out.
 * Too noisy a set of rounds is measured once more, then published as noisy.
 */
export async function measureResult(spec: ResultSpec, plan: Plan): Promise<Result> {
  if ('sample' in spec) return await sampleResult(spec);
  const { ours, peer } = spec;
  if (ours === undefined || (peer !== undefined && 'missing' in peer)) {
    return unmeasuredRow(spec, peer !== undefined && 'missing' in peer ? peer.missing : 'not part of this version');
  }
  let rounds: readonly Round[];
  try {
    rounds = await measureRounds(spec, ours, peer?.measure, plan);
    if (isNoisy(rounds.map((round) => round.value))) rounds = await measureRounds(spec, ours, peer?.measure, plan);
  } catch (error) {
    return unmeasuredRow(spec, failureOf(error));
  }
  const values = rounds.map((round) => round.value);
  const mine = rounds.map((round) => round.ours);
  const theirs = rounds.flatMap((round) => round.peer ?? []);
  return {
    ...emptyRow(spec),
    value: median(values),
    quartiles: quartiles(values),
    p50: medianOf(mine, (figure) => figure.p50),
    p99: medianOf(mine, (figure) => figure.p99),
    cpu_us_per_op: medianOf(mine, (figure) => figure.cpuUsPerOp),
    ours_figure: medianOf(mine, (figure) => read(figure, spec)),
    peer_figure: medianOf(theirs, (figure) => read(figure, spec)),
    peer_p50: medianOf(theirs, (figure) => figure.p50),
    peer_p99: medianOf(theirs, (figure) => figure.p99),
    peer_cpu_us_per_op: medianOf(theirs, (figure) => figure.cpuUsPerOp),
    ...(isNoisy(values) && { noisy: true as const }),
  };
}

async function sampleResult(spec: SampledSpec): Promise<Result> {
  try {
    const { values, note } = await spec.sample();
    return {
      ...emptyRow(spec),
      value: median(values),
      quartiles: quartiles(values),
      note,
      ...(isNoisy(values) && { noisy: true as const }),
    };
  } catch (error) {
    return unmeasuredRow(spec, failureOf(error));
  }
}

async function measureRounds(
  spec: ComparedSpec,
  ours: Measure,
  peer: Measure | undefined,
  { rounds, secondsPerSide }: Plan,
): Promise<readonly Round[]> {
  const turn = secondsPerSide / 2;
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const first = await ours(turn);
    const peers = peer === undefined ? [] : [await peer(turn), await peer(turn)];
    const mine = mean([first, await ours(turn)]);
    if (peers.length === 0) done.push({ ours: mine, value: read(mine, spec) });
    else done.push({ ours: mine, peer: mean(peers), value: read(mine, spec) / read(mean(peers), spec) });
  }
  return done;
}

function read(figure: Figure, { metric, name }: ComparedSpec): number {
  const value = metric === 'nsPerOp' ? 1e9 / figure.rate : figure[metric];
  if (value === undefined) throw new Error(`${name}: a side does not tell its ${metric}`);
  return value;
}

function mean(figures: readonly Figure[]): Figure {
  const of = (read: (figure: Figure) => number | undefined): number | undefined => {
    const values = figures.map(read).filter((value) => value !== undefined);
    return values.length === figures.length ? values.reduce((sum, value) => sum + value, 0) / values.length : undefined;
  };
  const [p50, p99, cpuUsPerOp] = [of((f) => f.p50), of((f) => f.p99), of((f) => f.cpuUsPerOp)];
  return {
    rate: of((figure) => figure.rate) ?? Number.NaN,
    ...(p50 !== undefined && { p50 }),
    ...(p99 !== undefined && { p99 }),
    ...(cpuUsPerOp !== undefined && { cpuUsPerOp }),
  };
}

function medianOf(figures: readonly Figure[], part: (figure: Figure) => number | undefined): number | null {
  const values = figures.map(part).filter((value) => value !== undefined);
  return values.length === 0 ? null : median(values);
}

function failureOf(error: unknown): string {
  return `failed: ${error instanceof Error ? error.message : String(error)}`;
}

function unmeasuredRow(spec: ResultSpec, reason: string): Result {
  return { ...emptyRow(spec), reason };
}

/** The row before anything is measured. Read after the rounds: a peer may tell in its configuration how they went. */
function emptyRow(spec: ResultSpec): Result {
  const peer = 'peer' in spec && spec.peer !== undefined && 'name' in spec.peer ? spec.peer : undefined;
  return {
    name: spec.name,
    unit: spec.unit,
    value: null,
    quartiles: null,
    p50: null,
    p99: null,
    cpu_us_per_op: null,
    peer: peer?.name ?? null,
    peer_config: peer?.config ?? null,
    ours_figure: null,
    peer_figure: null,
    peer_p50: null,
    peer_p99: null,
    peer_cpu_us_per_op: null,
  };
}
