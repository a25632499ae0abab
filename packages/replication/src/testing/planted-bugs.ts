import type { MutationName } from '../core/mutation.ts';
import { NEVER_MS, type ScenarioPreset } from './scenario.ts';

/** Three nodes and a busy workload that promises everything it is told; the base of the presets below. */
const busy = {
  nodes: 3,
  replicationFactor: 3,
  partitionBits: 0,
  keys: 3,
  clients: 4,
  loadMs: 7_000,
  thinkMs: 25,
  timeoutMs: 600,
  memory: 0,
  consistency: { ONE: 0, QUORUM: 1, ALL: 0 },
  antiEntropyMs: NEVER_MS,
  forgetMs: NEVER_MS,
  network: { delayMs: 1, late: 0, loss: 0, duplication: 0 },
  cacheBytes: 0,
  disk: { flushMs: 2, readMs: 0.5, slow: 0, subsetLoss: true, overloaded: 0, pageRecords: 4, scrubMs: 1_000 },
} satisfies ScenarioPreset;
/** No faults at all: the bug shows in plain concurrency. */
const calm: ScenarioPreset = { ...busy, loadMs: 3_000, faults: {} };
const slowFlush = { ...busy.disk, flushMs: 60, slow: 0.1 };
/** Every third message takes up to a second: replicas differ for long. */
const lateMessages = { ...busy.network, late: 0.3, lateMs: 1_000 };
/** Few messages are late, but those for long: recovery goes on, and some copies are missing. */
const rarelyLate = { ...busy.network, late: 0.1, lateMs: 2_000 };
const loseDisks: ScenarioPreset = { ...busy, network: rarelyLate, faults: { wipe: 3 }, faultMs: 50, storeMs: 1 };
/** Recovery takes its time: a page holds one record. */
const slowRecovery: ScenarioPreset = {
  ...loseDisks,
  keys: 8,
  disk: { ...busy.disk, readMs: 20, pageRecords: 1 },
};
const losingPower: ScenarioPreset = { ...busy, disk: slowFlush, faults: { crash: 3, crashAll: 1 }, faultMs: 100 };
/** Writes at ONE and lost messages leave replicas apart, and nobody reads: only anti-entropy makes them equal. */
const repairing: ScenarioPreset = {
  ...busy,
  loadMs: 2_000,
  keys: 12,
  ops: { get: 0, scan: 0 },
  consistency: { ONE: 1, QUORUM: 1, ALL: 0 },
  network: { ...busy.network, loss: 0.2 },
  antiEntropyMs: 300,
  faults: {},
};

/** No read and no anti-entropy makes equal what an isolated replica missed. */
const handingOff: ScenarioPreset = { ...repairing, network: busy.network, antiEntropyMs: 1e6, faults: { isolate: 2 } };
/** Keys come and go, tombstones are forgotten at once, and messages are late. */
const forgetful: ScenarioPreset = {
  ...busy,
  network: { ...lateMessages, lateMs: 600 },
  ops: { delete: 4, deleteBlind: 2 },
  antiEntropyMs: 100,
  forgetMs: 20,
  faults: {},
};
/** Records rot one by one, and most replicas have missed something. */
const losingRecords: ScenarioPreset = {
  ...busy,
  keys: 2,
  thinkMs: 10,
  network: lateMessages,
  disk: { ...busy.disk, scrubMs: 100 },
  faults: { rot: 8 },
};

/** Records are damaged again and again, while messages are late and replicas differ. */
const rotting: ScenarioPreset = { ...busy, network: lateMessages, faults: { rot: 8 }, faultMs: 50, storeMs: 1 };
const scans = { get: 1, putWithContext: 3, putBlind: 1, delete: 0.5, scan: 4 };
/** Copies and repairs are lost or late for long, and clients read on. */
const lossy: ScenarioPreset = { ...calm, network: { ...lateMessages, loss: 0.2 }, loadMs: 6_000, keys: 2, clients: 6 };
/** More nodes than replicas: most requests are passed on. */
const strangers: ScenarioPreset = { ...calm, nodes: 5, replicationFactor: 3, keys: 6, partitionBits: 2 };
/** Clocks are wrong, and the last write wins by them. */
const lastWrites: ScenarioPreset = {
  ...busy,
  conflictPolicy: 'lww',
  network: lateMessages,
  faultMs: 200,
  ops: { get: 6, putBlind: 4, putWithContext: 3, putStale: 1, delete: 0, deleteBlind: 0, scan: 0.3 },
};
/** Answers are late or lost, and writes are sent again elsewhere. */
const repeating: ScenarioPreset = {
  ...busy,
  network: { ...lateMessages, loss: 0.1 },
  timeoutMs: 150,
  thinkMs: 10,
  keys: 1,
  tokened: 1,
  ops: { get: 4, putBlind: 2, putWithContext: 5, putStale: 0, delete: 0.5 },
};
/** The cluster changes all the time, and messages are late. */
const moving: ScenarioPreset = {
  ...busy,
  partitionBits: 1,
  keys: 4,
  clients: 6,
  thinkMs: 10,
  network: lateMessages,
  storeMs: 5,
  faults: { topology: 2, crash: 1 },
  faultMs: 300,
};
const full: ScenarioPreset = { ...busy, faults: { diskFull: 3 }, faultMs: 100 };

/** Where each bug shows: a scenario that meets it often, and that a core without the bug survives. */
export const PLANTED_BUGS: Readonly<Record<MutationName, ScenarioPreset>> = {
  'accepted-is-enough': calm,
  'ambiguous-hears-some': {
    ...losingPower,
    disk: { ...slowFlush, flushMs: 30, overloaded: 0.2 },
    loadMs: 12_000,
    thinkMs: 20,
    keys: 12,
    faults: { tornTail: 4 },
    faultMs: 20,
    storeMs: 1,
  },
  'cache-fills-late': {
    ...busy,
    keys: 1,
    thinkMs: 5,
    clients: 6,
    cacheBytes: 64 * 1024,
    network: lateMessages,
    disk: { ...busy.disk, readMs: 30, slow: 0.3 },
    faults: { crash: 4 },
    faultMs: 50,
    storeMs: 1,
    ops: { get: 8, putWithContext: 6, putBlind: 0, putStale: 0, delete: 0, deleteBlind: 0, scan: 0 },
  },
  'behind-keeps-actors': {
    ...loseDisks,
    network: busy.network,
    keys: 1,
    thinkMs: 10,
    consistency: { ONE: 1, QUORUM: 1, ALL: 0 },
    faults: { rollBack: 4, cleanRestart: 5, isolate: 3 },
    faultMs: 50,
  },
  'behind-keeps-boot': { ...loseDisks, faults: { rollBack: 4, cleanRestart: 4, wipe: 1 }, faultMs: 20 },
  'boots-by-number': {
    ...loseDisks,
    network: { ...busy.network, loss: 0.1 },
    keys: 24,
    loadMs: 12_000,
    ops: { get: 1, putWithContext: 8 },
    faults: { rollBack: 4, crash: 2 },
    faultMs: 50,
    storeMs: 100,
  },
  'blind-delete-reads-one': { ...calm, network: lateMessages, ops: { deleteBlind: 3 } },
  'damage-keeps-actor': { ...rotting, thinkMs: 10, keys: 1, consistency: { ONE: 1, QUORUM: 1, ALL: 0 } },
  'delta-forgets-context': calm,
  'doubt-not-durable': { ...slowRecovery, loadMs: 12_000, faults: { tornTail: 4, crash: 6 }, faultMs: 20 },
  'failure-counts-as-copy': { ...busy, faults: { isolate: 3, crash: 2 }, faultMs: 300 },
  'forward-in-doubt': { ...strangers, loadMs: 4_000, faults: { crash: 8 }, faultMs: 50 },
  'full-device-ends-node': { ...full, faults: { diskFull: 3, crash: 2 } },
  'gap-not-durable': { ...slowRecovery, faults: { wipe: 3, crash: 8 }, faultMs: 20 },
  'in-doubt-is-none': { ...busy, network: lateMessages, timeoutMs: 200, faults: { isolate: 2 } },
  'accept-old-epochs': moving,
  'move-drops-early': moving,
  'move-unmerged': moving,
  'move-writes-one-set': moving,
  'no-sibling-limit': {
    ...calm,
    keys: 1,
    thinkMs: 5,
    clients: 8,
    loadMs: 3_000,
    ops: { get: 1, putBlind: 20, putWithContext: 0, putStale: 0, delete: 0, deleteBlind: 0, scan: 0 },
  },
  'page-hides-damage': { ...rotting, keys: 8, ops: scans },
  'peers-not-heard': {
    ...loseDisks,
    faults: { rollBack: 6, storeAway: 3, cleanRestart: 3 },
    faultMs: 100,
    network: busy.network,
  },
  'recovery-first-page': { ...loseDisks, keys: 12, disk: { ...busy.disk, pageRecords: 2 } },
  'recovery-gives-up': { ...loseDisks, faults: { wipe: 3, isolate: 4, crash: 2 } },
  'refused-append-keeps-lock': { ...calm, disk: { ...busy.disk, overloaded: 0.02 } },
  'release-before-append': calm,
  'repair-counts-short': { ...lossy, timeoutMs: 150 },
  'damage-not-noted': { ...rotting, keys: 2 },
  'scan-counts-recovering': { ...slowRecovery, ops: scans, clients: 8, thinkMs: 10, faults: { wipe: 6 }, faultMs: 20 },
  'scan-ignores-reach': { ...calm, keys: 12, ops: scans, network: lateMessages },
  'scan-skips-ahead': { ...calm, keys: 12, ops: scans, network: lateMessages },
  'silence-is-absence': { ...calm, disk: { ...busy.disk, overloaded: 0.02 } },
  'standing-after-read': {
    ...loseDisks,
    keys: 48,
    partitionBits: 4,
    clients: 12,
    thinkMs: 5,
    ops: { get: 8, putWithContext: 8 },
    faults: { wipe: 6 },
    faultMs: 20,
    disk: { ...busy.disk, readMs: 30, pageRecords: 8 },
  },
  'stranger-coordinates': { ...strangers, network: lateMessages },
  'token-not-read': { ...repeating, faults: { isolate: 3 }, faultMs: 200 },
  'token-not-sent': { ...repeating, faults: { isolate: 3, crash: 3 }, faultMs: 200 },
  'tombstones-ignored': calm,
  'tombstones-not-repaired': { ...lossy, keys: 1, timeoutMs: 150, ops: { get: 10, delete: 5 } },
  'votes-twice': { ...calm, network: lateMessages },
  'ack-before-flush': losingPower,
  'ambiguous-counts-at-once': {
    ...busy,
    thinkMs: 10,
    network: lateMessages,
    faults: { tornTail: 6 },
    faultMs: 20,
    storeMs: 1,
  },
  'anti-entropy-overwrites': repairing,
  'at-least-forgives': {
    ...losingPower,
    memory: 1,
    sessions: 1,
    consistency: { ONE: 1, QUORUM: 0, ALL: 0 },
    faults: { crashAll: 3 },
  },
  'at-least-ignored': { ...calm, network: lateMessages, sessions: 1, consistency: { ONE: 1, QUORUM: 0, ALL: 0 } },
  'blind-delete-guesses': { ...calm, ops: { deleteBlind: 3 } },
  'boots-in-memory': { ...loseDisks, faults: { rollBackUnseen: 3, cleanRestart: 2 }, faultMs: 300 },
  'confirm-duplicate-before-flush': {
    ...losingPower,
    clients: 12,
    loadMs: 8_000,
    thinkMs: 10,
    disk: { ...slowFlush, flushMs: 120 },
    network: { ...busy.network, duplication: 0.9, late: 0.1, lateMs: 1_000 },
    faults: { crash: 3, crashAll: 1 },
    storeMs: 1,
    faultMs: 20,
  },
  'context-widened': calm,
  'count-reads-short': { ...calm, network: lateMessages },
  'count-recovering-reads': { ...slowRecovery, clients: 8, thinkMs: 10, faults: { wipe: 6 }, faultMs: 20 },
  'count-unreadable-reads': losingRecords,
  'count-writes-short': { ...calm, network: lateMessages },
  'dead-leave-quorum': { ...calm, network: lateMessages },
  'forget-key-lock': calm,
  'forget-reuses-dots': forgetful,
  'forget-unfenced': forgetful,
  // A tombstone must be the last that a log holds, and the word to drop it late.
  'forget-unsealed': {
    ...forgetful,
    keys: 1,
    clients: 1,
    loadMs: 15_000,
    thinkMs: 300,
    network: { ...lateMessages, lateMs: 600 },
    ops: { get: 1, putBlind: 3, putWithContext: 0, putStale: 0, delete: 3, deleteBlind: 3 },
    antiEntropyMs: NEVER_MS,
    faults: { tornTail: 6 },
    faultMs: 20,
    storeMs: 1,
  },
  'forget-without-all': { ...forgetful, faults: { isolate: 2 }, faultMs: 500 },
  'stop-unsealed': {
    ...forgetful,
    nodes: 1,
    keys: 4,
    network: busy.network,
    ops: { putBlind: 6, delete: 6 },
    faults: { cleanRestart: 8 },
    faultMs: 20,
    storeMs: 1,
  },
  'hints-unreported': { ...busy, sloppyWrites: true, faults: { isolate: 4 }, faultMs: 300 },
  'hints-count': { ...calm, network: lateMessages, faults: { isolate: 2 }, faultMs: 500 },
  'hints-undelivered': handingOff,
  'ignore-rollback': { ...loseDisks, faults: { rollBack: 4, cleanRestart: 2 }, faultMs: 20 },
  'keep-actor-after-crash': {
    ...busy,
    thinkMs: 10,
    network: { ...busy.network, late: 0.1, lateMs: 2_000 },
    disk: { ...busy.disk, flushMs: 25 },
    faults: { crash: 4, cleanRestart: 4 },
    faultMs: 20,
    storeMs: 1,
  },
  'merge-drops-one-sided-sibling': calm,
  'overwrite-instead-of-merge': calm,
  'read-unflushed': {
    ...losingPower,
    clients: 8,
    loadMs: 8_000,
    disk: { ...slowFlush, flushMs: 150 },
    ops: { get: 12 },
    faults: { crashAll: 4 },
    faultMs: 20,
    storeMs: 1,
  },
  'reclaim-present': { ...busy, faults: { crash: 2 } },
  'recovering-absent-answers': { ...slowRecovery, consistency: { ONE: 3, QUORUM: 0, ALL: 2 } },
  'recovery-from-one': { ...loseDisks, thinkMs: 10, faults: { wipe: 6 }, faultMs: 20 },
  'refused-read-is-empty': { ...calm, disk: { ...busy.disk, overloaded: 0.02 } },
  'repair-from-one': losingRecords,
  'rolled-back-keeps-data': {
    ...forgetful,
    network: busy.network,
    faults: { rollBack: 4, cleanRestart: 2 },
    faultMs: 20,
    storeMs: 1,
  },
  'send-before-append': { ...calm, disk: { ...busy.disk, overloaded: 0.02 } },
  'skip-read-repair': { ...calm, network: lateMessages },
  'stale-context-overwrites': calm,
  'tree-misses-changes': repairing,
  'unverified-confirms': {
    ...loseDisks,
    keys: 40,
    clients: 8,
    thinkMs: 20,
    loadMs: 12_000,
    network: { ...busy.network, loss: 0.2 },
    faults: { rollBackUnregistered: 40, cleanRestart: 0.5 },
    faultMs: 20,
    storeMs: 300,
  },
  'unverified-coordinates': {
    ...loseDisks,
    network: busy.network,
    thinkMs: 10,
    faults: { rollBack: 6, cleanRestart: 3 },
    faultMs: 20,
    storeMs: 150,
  },
  'expired-is-shown': { ...busy, faults: {}, expiring: 0.7, ttlMs: 500 },
  'expiry-forgets': { ...busy, faults: {}, expiring: 0.7, ttlMs: 500, drift: 0 },
  'expiry-trusts-clock': { ...busy, faults: { clockJump: 2 }, expiring: 0.7, ttlMs: 5_000 },
  'lww-ignores-record': { ...lastWrites, faults: { clockJump: 5 }, drift: 0.2 },
  'lww-picks-oldest': { ...lastWrites, faults: { isolate: 3 } },
  'lww-piles-up': { ...lastWrites, faults: {}, keys: 1, thinkMs: 5, ops: { get: 1, putBlind: 20, putWithContext: 0 } },
  'wiped-counts-as-member': loseDisks,
};
