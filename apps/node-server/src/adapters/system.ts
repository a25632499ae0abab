import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '@ferrite/replication';

/** Time of this machine. Timers do not keep the process alive. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Randomness of the operating system. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };
