import { Prng } from './prng.ts';

/** What may go wrong, each with its rate in times a second of virtual time over the whole cluster. */
export type Fault =
  | 'crash'
  | 'crashAll'
  | 'cleanRestart'
  | 'pause'
  | 'isolate'
  | 'split'
  | 'oneWay'
  | 'wipe'
  | 'rollBack'
  | 'rollBackUnregistered'
  | 'rollBackUnseen'
  | 'rot'
  | 'rotTwo'
  | 'tornTail'
  | 'storeAway';

export type OpKind = 'get' | 'putBlind' | 'putWithContext' | 'putStale' | 'delete' | 'deleteBlind' | 'scan';

/** One run as data: everything in it is drawn from the seed, or set by a preset. Times in milliseconds. */
export interface Scenario {
  readonly nodes: number;
  readonly replicationFactor: number;
  readonly partitionBits: number;
  readonly keys: number;
  readonly clients: number;
  /** How long faults and load last; healing and the last reads follow. */
  readonly loadMs: number;
  /** Mean pause of a client between two requests. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  readonly ops: Readonly<Record<OpKind, number>>;
  readonly consistency: Readonly<Record<'ONE' | 'QUORUM' | 'ALL', number>>;
  /** Share of writes that ask for MEMORY. */
  readonly memory: number;
  readonly faults: Readonly<Record<Fault, number>>;
  /** How long a fault lasts, mean. */
  readonly faultMs: number;
  readonly network: {
    readonly delayMs: number;
    /** Share of messages that are late, and by how much at most. */
    readonly late: number;
    readonly lateMs: number;
    readonly loss: number;
    readonly duplication: number;
  };
  /** Mean delay of the topology store, each way. */
  readonly storeMs: number;
  /** Pause between two rounds of anti-entropy; Infinity: there is none. */
  readonly antiEntropyMs: number;
  /** Pause between two rounds of forgetting; Infinity: nothing is forgotten. */
  readonly forgetMs: number;
  readonly disk: {
    readonly flushMs: number;
    readonly readMs: number;
    /** Share of reads and flushes that are ten times slower. */
    readonly slow: number;
    /** A crash keeps any subset of the unflushed appends rather than a prefix. */
    readonly subsetLoss: boolean;
    /** Share of reads and appends that the engine refuses for want of room. */
    readonly overloaded: number;
    readonly pageRecords: number;
    /** Pause between two passes of the scrub. */
    readonly scrubMs: number;
  };
}

/** What a preset may fix; the rest is drawn. */
export interface ScenarioPreset extends Partial<Omit<Scenario, 'faults' | 'network' | 'disk' | 'ops'>> {
  readonly ops?: Partial<Scenario['ops']>;
  /** Replaces all rates: what is not named does not happen. */
  readonly faults?: Partial<Scenario['faults']>;
  readonly network?: Partial<Scenario['network']>;
  readonly disk?: Partial<Scenario['disk']>;
}

const NO_FAULTS: Scenario['faults'] = {
  crash: 0,
  crashAll: 0,
  cleanRestart: 0,
  pause: 0,
  isolate: 0,
  split: 0,
  oneWay: 0,
  wipe: 0,
  rollBack: 0,
  rollBackUnregistered: 0,
  rollBackUnseen: 0,
  rot: 0,
  rotTwo: 0,
  tornTail: 0,
  storeAway: 0,
};

/** The scenario of a seed. Every rate is drawn anew, and often 0, so that faults meet in all combinations. */
export function drawScenario(seed: number, preset: ScenarioPreset = {}): Scenario {
  const prng = new Prng(seed, 'scenario');
  const rate = (most: number): number => (prng.chance(0.5) ? prng.between(0, most) : 0);
  const nodes = prng.pick([3, 3, 3, 3, 3, 3, 1, 4, 5, 5]);
  const drawn: Scenario = {
    nodes,
    replicationFactor: nodes === 5 ? prng.pick([3, 5]) : 3,
    partitionBits: prng.int(3),
    keys: 1 + prng.int(6),
    clients: 2 + prng.int(4),
    loadMs: prng.between(2_000, 6_000),
    thinkMs: prng.between(5, 150),
    timeoutMs: prng.between(200, 1_500),
    ops: { get: 5, putBlind: 2, putWithContext: 4, putStale: 1, delete: 1, deleteBlind: rate(1), scan: rate(1) },
    consistency: { ONE: rate(1), QUORUM: 4, ALL: rate(1) },
    memory: rate(0.6),
    faults: {
      crash: rate(1.5),
      crashAll: rate(0.3),
      cleanRestart: rate(0.7),
      pause: rate(0.7),
      isolate: rate(0.7),
      split: rate(0.7),
      oneWay: rate(0.7),
      wipe: rate(0.5),
      rollBack: rate(0.5),
      rollBackUnregistered: rate(2),
      rollBackUnseen: rate(0.5),
      rot: rate(0.5),
      rotTwo: rate(0.5),
      tornTail: 0,
      storeAway: rate(0.5),
    },
    faultMs: prng.between(50, 1_500),
    network: {
      delayMs: prng.between(0.2, 20),
      late: rate(0.1),
      lateMs: prng.between(50, 1_000),
      loss: rate(0.1),
      duplication: rate(0.2),
    },
    storeMs: prng.between(0.2, 100),
    forgetMs: prng.chance(0.4) ? prng.between(50, 1_000) : Number.POSITIVE_INFINITY,
    antiEntropyMs: prng.chance(0.6) ? prng.between(50, 2_000) : Number.POSITIVE_INFINITY,
    disk: {
      flushMs: prng.between(0.2, 30),
      readMs: prng.between(0.05, 5),
      slow: rate(0.1),
      subsetLoss: prng.chance(0.5),
      overloaded: rate(0.02),
      pageRecords: 1 + prng.int(4),
      scrubMs: prng.between(100, 5_000),
    },
  };
  const { ops, faults, network, disk, ...rest } = preset;
  return {
    ...drawn,
    ...rest,
    ops: { ...drawn.ops, ...ops },
    faults: faults === undefined ? drawn.faults : { ...NO_FAULTS, ...faults },
    network: { ...drawn.network, ...network },
    disk: { ...drawn.disk, ...disk },
  };
}
