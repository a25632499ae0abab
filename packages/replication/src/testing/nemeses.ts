import type { ScenarioPreset } from './scenario.ts';

const quietNetwork = { late: 0, loss: 0, duplication: 0 };

/** What hurts the cluster, by name. Whatever a nemesis leaves open is drawn from the seed. */
export const NEMESES = {
  /** Every fault there is, at rates that the seed draws, many of them 0. */
  any: {},
  /** Nothing goes wrong: what breaks now breaks by plain concurrency. */
  none: { faults: {}, network: quietNetwork, disk: { slow: 0, overloaded: 0 } },
  /** Processes die and come back. */
  crashes: { faults: { crash: 2, cleanRestart: 0.7, pause: 0.5 }, faultMs: 300 },
  /** All machines lose power at once, again and again. */
  power: { faults: { crashAll: 0.7, crash: 0.7, tornTail: 0.5 }, faultMs: 200 },
  /** Links are cut in one direction or both, and messages are lost, doubled and overtaken. */
  links: {
    faults: { isolate: 1, split: 1, oneWay: 1 },
    faultMs: 500,
    network: { late: 0.05, lateMs: 800, loss: 0.03, duplication: 0.1 },
  },
  /** Data that was flushed is lost: wiped, rolled back, damaged. */
  disks: { faults: { wipe: 1, rollBack: 1, rot: 1, tornTail: 0.5, cleanRestart: 0.5 }, faultMs: 200 },
  /** The topology store comes and goes while boots have to be registered. */
  store: { faults: { storeAway: 1.5, crash: 1, wipe: 0.5, rollBack: 0.5 }, faultMs: 400 },
} as const satisfies Readonly<Record<string, ScenarioPreset>>;

export type NemesisName = keyof typeof NEMESES;
