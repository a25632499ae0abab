/** What one side of a comparison did during one measurement. */
export interface Figure {
  /** Operations a second. */
  readonly rate: number;
  /** Latency in microseconds; absent where the side does not tell. */
  readonly p50?: number;
  readonly p99?: number;
  /** Processor time of the side under test (for a server: the server alone) per operation, in microseconds. */
  readonly cpuUsPerOp?: number;
}

/** One side: works for about this long and says how it went. */
export type Measure = (seconds: number) => Promise<Figure>;

/** The peer of a result, or why there is none. */
export type Peer =
  | { readonly name: string; readonly config: string; readonly measure: Measure }
  | { readonly missing: string };

/** A named result that is compared in rounds, or an absolute figure of ours measured in as many turns. */
export interface ComparedSpec {
  /** As in the outer contract; outside checks read it. */
  readonly name: string;
  /** `ratio`: ours over the peer's. Anything else is an absolute figure of ours, and there is no peer. */
  readonly unit: string;
  /** Which figure is compared or shown. */
  readonly metric: 'rate' | 'p50' | 'p99' | 'nsPerOp';
  /** Absent: not part of this version; `peer.missing` says so. */
  readonly ours?: Measure;
  readonly peer?: Peer;
}

/** A named result that no turn of some seconds can tell, like the time to open millions of keys. */
export interface SampledSpec {
  readonly name: string;
  readonly unit: string;
  /** Measures it, at most some minutes. Throws why it cannot. */
  sample(): Promise<Samples>;
}

export interface Samples {
  /** At least one; their median is published. */
  readonly values: readonly number[];
  /** What was measured, in a sentence. */
  readonly note: string;
}

/** One named result of a suite. */
export type ResultSpec = ComparedSpec | SampledSpec;

/** Points of a line, to be seen in a picture: how a figure grows. */
export interface Series {
  readonly name: string;
  readonly unit: string;
  /** What the first number of each point counts. */
  readonly over: string;
  readonly points: readonly (readonly [number, number])[];
}

/** A suite that is set up: its results can be measured in any order. */
export interface OpenSuite extends AsyncDisposable {
  readonly results: readonly ResultSpec[];
  /** What the measured results drew besides; asked for after them. */
  series?(): readonly Series[];
}

export interface SuiteContext {
  /** A folder on the disk under test; removed afterwards. */
  readonly directory: string;
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

export interface Suite {
  readonly name: string;
  /** The question it answers, its workload, and what to expect. */
  readonly question: string;
  open(context: SuiteContext): Promise<OpenSuite>;
}

/** A result that this version cannot measure. */
export function unmeasured(name: string, missing: string): ResultSpec {
  return { name, unit: 'ratio', metric: 'rate', peer: { missing } };
}
