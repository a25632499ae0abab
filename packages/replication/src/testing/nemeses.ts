import type { ScenarioPreset } from './scenario.ts';

const quietNetwork = { late: 0, loss: 0, duplication: 0 };

/** What hurts the cluster, by name. Whatever a nemesis leaves open is drawn from the seed. */
export const NEMESES = {
  /** Every fault there is, at rates that the seed draws, most of them 0. */
  any: {},
  /** Nothing goes wrong: what breaks now breaks by plain concurrency. */
  none: { faults: {}, drift: 0, network: quietNetwork, disk: { slow: 0, overloaded: 0 } },
  /** Processes die, between events and within one, and come back. */
  crashes: { faults: { crash: 1.5, crashMid: 1.5, cleanRestart: 0.7, pause: 0.5 }, faultMs: 300 },
  /** All machines lose power at once, again and again. */
  power: { faults: { crashAll: 0.7, crash: 0.7, tornTail: 0.5 }, faultMs: 200 },
  /** Links are cut in every pattern, and messages are lost, doubled, overtaken and slow. */
  links: {
    faults: { isolate: 0.7, split: 0.7, partial: 1, oneWay: 0.7, flaky: 0.7, slowLinks: 0.3 },
    faultMs: 500,
    network: { late: 0.05, lateMs: 800, loss: 0.03, duplication: 0.1 },
  },
  /** Clocks jump by up to an hour, run fast and slow, and processes stand still. */
  clocks: { faults: { clockJump: 3, pause: 1, crash: 0.5 }, drift: 0.3 },
  /** Data that was flushed is lost: wiped, rolled back, torn, damaged. */
  disks: {
    faults: {
      wipe: 0.7,
      rollBack: 0.7,
      rollBackUnregistered: 1,
      rollBackUnseen: 0.5,
      rot: 0.7,
      rotTwo: 0.5,
      rotAtRest: 0.5,
      rotSystem: 0.5,
      misread: 0.5,
      tornTail: 0.5,
      crash: 0.5,
    },
    faultMs: 200,
  },
  /** Devices are full, slow, or fail under a running process. */
  devices: { faults: { deviceFails: 1, deviceSwapped: 0.5, diskFull: 0.7, diskSlow: 0.7 }, faultMs: 400 },
  /** Nodes join, leave, are replaced and drained, while processes die and links are cut. */
  changes: {
    faults: {
      topology: 1.5,
      crash: 1,
      crashMid: 0.5,
      isolate: 0.5,
      partial: 0.5,
      flaky: 0.3,
      wipe: 0.2,
      storeAway: 0.2,
    },
    faultMs: 400,
    storeMs: 10,
  },
  /** The topology store comes and goes, and is slow, while boots have to be registered. */
  store: { faults: { storeAway: 1, storeSlow: 1, crash: 1, wipe: 0.5, rollBack: 0.5 }, faultMs: 400 },
} as const satisfies Readonly<Record<string, ScenarioPreset>>;

export type NemesisName = keyof typeof NEMESES;
