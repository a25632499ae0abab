import type { ConflictPolicy } from '../core/topology.ts';
import { Prng } from './prng.ts';

/** What may go wrong, each with its rate in times a second of virtual time over the whole cluster. */
export type Fault =
  /** A process dies between two events; between two effects of one step; all at once; or ends in order. */
  | 'crash'
  | 'crashMid'
  | 'crashAll'
  | 'cleanRestart'
  /** A process stands still; its wall clock jumps. */
  | 'pause'
  | 'clockJump'
  /** One node without links, random pairs cut, one pair cut while others see both, links that lead one way only. */
  | 'isolate'
  | 'split'
  | 'partial'
  | 'oneWay'
  /** All links lose and double much more, or are much slower. */
  | 'flaky'
  | 'slowLinks'
  /** A disk loses everything, goes back to an earlier state, loses its last flushed group. */
  | 'wipe'
  | 'rollBack'
  | 'tornTail'
  /** A disk goes back to before a boot that nobody has heard of, or that only peers have while the store is away. */
  | 'rollBackUnregistered'
  | 'rollBackUnseen'
  /** A record is damaged: found by a read; one on each of two disks; by the next open; the node's own record is. */
  | 'rot'
  | 'rotTwo'
  | 'rotAtRest'
  | 'rotSystem'
  /** Reads bring stale or foreign blocks, which the engine reports as damage; the medium is sound. */
  | 'misread'
  /** The device fails every request: the process ends, and finds the device well again, or a new one in its place. */
  | 'deviceFails'
  | 'deviceSwapped'
  /** No room for more; everything takes 10 to 100 times as long. */
  | 'diskFull'
  | 'diskSlow'
  /** The topology store is away, or slow. */
  | 'storeAway'
  | 'storeSlow'
  /** An operator has a node join, leave, be replaced, drained or given another weight. */
  | 'topology';

export type OpKind = 'get' | 'putBlind' | 'putWithContext' | 'putStale' | 'delete' | 'deleteBlind' | 'scan';

/** A request by its name, as the trace names it, and when it is issued, in virtual milliseconds. */
export interface ScriptedRequest {
  readonly name: string;
  readonly at: number;
}

/** Longer than any run. */
export const NEVER_MS = 1e9;

/** One run as data: everything in it is drawn from the seed, or set by a preset. Times in milliseconds. */
export interface Scenario {
  readonly nodes: number;
  /** Machines that may join. */
  readonly spares: number;
  readonly replicationFactor: number;
  readonly partitionBits: number;
  readonly conflictPolicy: ConflictPolicy;
  readonly sloppyWrites: boolean;
  readonly keys: number;
  /** Share of requests that go to the first key, beside its even share of the rest. */
  readonly hotShare: number;
  /** The largest value, in bytes. */
  readonly valueBytes: number;
  readonly clients: number;
  /** How long faults and load last; healing and the last reads follow. */
  readonly loadMs: number;
  /** Load and faults go on for longer until so many events have happened. */
  readonly eventsMin: number;
  /** Mean pause of a client between two requests. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  readonly ops: Readonly<Record<OpKind, number>>;
  readonly consistency: Readonly<Record<'ONE' | 'QUORUM' | 'ALL', number>>;
  /** Share of writes that ask for MEMORY. */
  readonly memory: number;
  /** Share of gets that demand all that their client has seen of the key. */
  readonly sessions: number;
  /** Share of writes with a token, which are sent again until they are answered. */
  readonly tokened: number;
  /** Share of puts that expire, and how long they live at most. */
  readonly expiring: number;
  readonly ttlMs: number;
  readonly faults: Readonly<Record<Fault, number>>;
  /** How long a fault lasts, mean. */
  readonly faultMs: number;
  /** How much faster or slower than time itself a node's clocks may run, at most; 0.1 is a tenth. */
  readonly drift: number;
  /** Names of single faults that are left out, as the trace names them. */
  readonly skip: readonly string[];
  /** Exactly these requests, by name, each at its time; clients that think of their own if it is absent. */
  readonly script: readonly ScriptedRequest[] | undefined;
  /** Another one gives other delays of messages and disks, and the same faults and requests. */
  readonly salt: number;
  readonly network: {
    readonly delayMs: number;
    /** Share of messages that are late, and by how much at most. */
    readonly late: number;
    readonly lateMs: number;
    readonly loss: number;
    readonly duplication: number;
  };
  /** A node looks for a newer topology this often, more or less. */
  readonly lookMs: number;
  /** Mean delay of the topology store, each way. */
  readonly storeMs: number;
  /** Pause between two rounds of anti-entropy, and between two rounds of forgetting; {@link NEVER_MS}: there is none. */
  readonly antiEntropyMs: number;
  readonly forgetMs: number;
  /** Memory of each node for records it has used. */
  readonly cacheBytes: number;
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

/** The highest rate that is drawn for each fault. */
const RATES_MAX: Scenario['faults'] = {
  crash: 1.5,
  crashMid: 1,
  crashAll: 0.3,
  cleanRestart: 0.7,
  pause: 0.7,
  clockJump: 0.7,
  isolate: 0.5,
  split: 0.5,
  partial: 0.7,
  oneWay: 0.5,
  flaky: 0.5,
  slowLinks: 0.3,
  wipe: 0.5,
  rollBack: 0.5,
  rollBackUnregistered: 2,
  rollBackUnseen: 0.5,
  tornTail: 0.3,
  rot: 0.5,
  rotTwo: 0.5,
  rotAtRest: 0.3,
  rotSystem: 0.3,
  misread: 0.3,
  deviceFails: 0.3,
  deviceSwapped: 0.3,
  diskFull: 0.5,
  diskSlow: 0.5,
  storeAway: 0.5,
  storeSlow: 0.5,
  topology: 1,
};

export const FAULTS: readonly Fault[] = Object.keys(RATES_MAX) as Fault[];

const NO_FAULTS = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Scenario['faults'];

/** Each fault at a rate of its own, two of three not at all, so that few enough meet to make progress in between. */
function drawRates(prng: Prng): Scenario['faults'] {
  const drawn = FAULTS.map((fault) => [fault, prng.chance(1 / 3) ? prng.between(0, RATES_MAX[fault]) : 0] as const);
  return Object.fromEntries(drawn) as Scenario['faults'];
}

/** The scenario of a seed: what `preset` leaves open is drawn. */
export function drawScenario(seed: number, preset: ScenarioPreset = {}): Scenario {
  const prng = new Prng(seed, 'scenario');
  const rate = (most: number): number => (prng.chance(0.5) ? prng.between(0, most) : 0);
  const nodes = prng.pick([3, 3, 3, 3, 3, 3, 1, 4, 5, 5]);
  const drawn: Scenario = {
    nodes,
    spares: 3,
    replicationFactor: nodes === 5 ? prng.pick([3, 5]) : 3,
    partitionBits: prng.int(3),
    conflictPolicy: 'siblings',
    sloppyWrites: false,
    keys: 1 + prng.int(6),
    hotShare: 0,
    valueBytes: 16,
    clients: 2 + prng.int(4),
    loadMs: prng.between(2_000, 6_000),
    eventsMin: 0,
    thinkMs: prng.between(5, 150),
    timeoutMs: prng.between(200, 1_500),
    ops: { get: 5, putBlind: 2, putWithContext: 4, putStale: 1, delete: 1, deleteBlind: rate(1), scan: rate(1) },
    consistency: { ONE: rate(1), QUORUM: 4, ALL: rate(1) },
    memory: rate(0.6),
    sessions: 0,
    tokened: 0,
    expiring: 0,
    ttlMs: 1_500,
    faults: drawRates(new Prng(seed, 'fault rates')),
    faultMs: prng.between(50, 1_500),
    drift: rate(0.1),
    skip: [],
    script: undefined,
    salt: 0,
    network: {
      delayMs: prng.between(0.2, 20),
      late: rate(0.1),
      lateMs: prng.between(50, 1_000),
      loss: rate(0.1),
      duplication: rate(0.2),
    },
    lookMs: 800,
    storeMs: prng.between(0.2, 100),
    antiEntropyMs: prng.chance(0.6) ? prng.between(50, 2_000) : NEVER_MS,
    forgetMs: prng.chance(0.4) ? prng.between(50, 1_000) : NEVER_MS,
    cacheBytes: new Prng(seed, 'cache').pick([0, 8 * 1024, 64 * 1024]),
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
