import type { MutationName } from '../core/mutation.ts';
import type { ScenarioPreset } from './scenario.ts';

/** Three nodes and a busy workload that promises everything it is told; the base of the presets below. */
const busy: ScenarioPreset = {
  nodes: 3,
  replicationFactor: 3,
  partitionBits: 0,
  keys: 3,
  clients: 4,
  loadMs: 4_000,
  thinkMs: 25,
  timeoutMs: 600,
  memory: 0,
  consistency: { ONE: 0, QUORUM: 1, ALL: 0 },
  network: { delayMs: 1, late: 0, loss: 0, duplication: 0 },
  disk: { flushMs: 2, readMs: 0.5, slow: 0, subsetLoss: true, overloaded: 0, pageRecords: 4 },
};
const slowFlush = { ...busy.disk, flushMs: 60, slow: 0.1 };
/** Every third message takes up to a second: replicas differ for long. */
const lateMessages = { ...busy.network, late: 0.3, lateMs: 1_000 };
const loseDisks: ScenarioPreset = { ...busy, network: lateMessages, faults: { wipe: 3 }, faultMs: 50, storeMs: 1 };
/** Recovery takes its time: a page holds one record. */
const slowRecovery: ScenarioPreset = {
  ...loseDisks,
  keys: 8,
  disk: { ...busy.disk, readMs: 20, pageRecords: 1 },
};
const losingPower: ScenarioPreset = { ...busy, disk: slowFlush, faults: { crash: 3, crashAll: 1 }, faultMs: 100 };

/** Where each bug shows: a scenario that meets it often, and that a core without the bug survives. */
export const PLANTED_BUGS: Readonly<Record<MutationName, ScenarioPreset>> = {
  'ack-before-flush': losingPower,
  'ambiguous-counts-at-once': { ...busy, network: lateMessages, faults: { tornTail: 3 }, faultMs: 50 },
  'blind-delete-guesses': { ...busy, ops: { deleteBlind: 3 }, faults: {} },
  'confirm-duplicate-before-flush': {
    ...losingPower,
    network: { ...busy.network, duplication: 0.5, loss: 0.1 },
    faults: { crash: 3, isolate: 2 },
    faultMs: 300,
  },
  'context-widened': { ...busy, faults: {} },
  'count-reads-short': { ...busy, network: lateMessages, faults: {} },
  'count-recovering-reads': slowRecovery,
  'count-writes-short': { ...busy, network: lateMessages, faults: {} },
  'forget-key-lock': { ...busy, faults: {} },
  'ignore-rollback': { ...loseDisks, faults: { rollBack: 3, cleanRestart: 1 } },
  'keep-actor-after-crash': { ...losingPower, faults: { crash: 3, cleanRestart: 1 } },
  'merge-drops-one-sided-sibling': { ...busy, faults: {} },
  'overwrite-instead-of-merge': { ...busy, faults: {} },
  'read-unflushed': losingPower,
  'recovering-absent-answers': { ...slowRecovery, consistency: { ONE: 3, QUORUM: 0, ALL: 2 } },
  'recovery-from-one': { ...loseDisks, faults: { wipe: 3, isolate: 1, crash: 2 }, faultMs: 400 },
  'refused-read-is-empty': { ...busy, disk: { ...busy.disk, overloaded: 0.02 }, faults: {} },
  'send-before-append': { ...busy, disk: { ...busy.disk, overloaded: 0.02 }, faults: {} },
  'skip-read-repair': { ...busy, network: lateMessages, faults: {} },
  'stale-context-overwrites': { ...busy, faults: {} },
  'unverified-coordinates': { ...loseDisks, faults: { rollBack: 3, cleanRestart: 3 }, storeMs: 100 },
  'wiped-counts-as-member': loseDisks,
};
