import type { ScenarioPreset } from './scenario.ts';

/** What clients do, by name. Whatever a workload leaves open is drawn from the seed. */
export const WORKLOADS = {
  /** Everything at once, in proportions that the seed draws. */
  mixed: {},
  /** Many keys over several partitions, each touched as often as the next. */
  uniform: { keys: 24, partitionBits: 2, ops: { get: 5, putWithContext: 5, putBlind: 1, putStale: 0, delete: 0.5 } },
  /** Nearly all requests meet on one key, from many clients at once. */
  'hot-key': { keys: 4, hotShare: 0.9, clients: 8, thinkMs: 15, ops: { get: 5, putWithContext: 5, putBlind: 1 } },
  /** Page after page while records come and go. */
  'scan-heavy': {
    keys: 20,
    partitionBits: 1,
    ops: { get: 1, putWithContext: 3, putBlind: 1, putStale: 0, delete: 1, deleteBlind: 0.3, scan: 4 },
  },
  /** Keys are deleted and written again, with the context and without: what was deleted must stay away. */
  'delete-recreate': {
    keys: 2,
    ops: { get: 4, putWithContext: 2, putBlind: 2, putStale: 1, delete: 4, deleteBlind: 1 },
  },
  /** Blind puts pile up large siblings, up to the limit of a record and against it. */
  'large-siblings': {
    keys: 1,
    partitionBits: 0,
    clients: 5,
    thinkMs: 20,
    valueBytes: 4_096,
    ops: { get: 2, putBlind: 12, putStale: 1, putWithContext: 0.1, delete: 0.05, deleteBlind: 0.05, scan: 0.3 },
  },
  /** Clients that ask for little, ONE and MEMORY, beside some that ask for all. */
  relaxed: { memory: 0.5, consistency: { ONE: 4, QUORUM: 2, ALL: 1 } },
  /** The last write wins, by the clocks of nodes that may be wrong: blind puts, replacements and deletes. */
  'last-write': {
    conflictPolicy: 'lww',
    ops: { get: 6, putBlind: 4, putWithContext: 3, putStale: 1, delete: 0.2, deleteBlind: 0.1 },
  },
  /** Values that live for a moment, by clocks that may be wrong. */
  expiring: { expiring: 0.7, ops: { get: 6, putBlind: 2, putWithContext: 3, delete: 0.3, scan: 0.5 } },
  /** Clients that ask any replica for all they have seen themselves, and write where they can. */
  sessions: { sessions: 1, memory: 0.3, consistency: { ONE: 3, QUORUM: 1, ALL: 0 }, ops: { get: 8, putBlind: 1 } },
  /** Writes that are sent again, to any node, until they are answered: each has one effect. */
  repeating: { tokened: 0.8, ops: { get: 5, putBlind: 3, putWithContext: 4, putStale: 1, delete: 0.7 } },
  /** Writes that take hints for copies. */
  sloppy: { sloppyWrites: true, consistency: { ONE: 0.5, QUORUM: 4, ALL: 1 } },
} as const satisfies Readonly<Record<string, ScenarioPreset>>;

export type WorkloadName = keyof typeof WORKLOADS;
