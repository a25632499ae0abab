import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';

/** Processes that keep every core busy for a share of the time. They end by themselves when their time is over. */
export interface BusyProcesses extends AsyncDisposable {
  readonly count: number;
}

/** One process a core, each busy for `percent` of the time, for `seconds` at most. */
export function startBusyProcesses(percent: number, seconds: number): BusyProcesses {
  const program = new URL('busy-process.ts', import.meta.url);
  const processes = Array.from({ length: availableParallelism() }, (): ChildProcess => {
    return fork(program, [String(percent), String(seconds)]);
  });
  return {
    count: processes.length,
    async [Symbol.asyncDispose]() {
      const running = processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      const ended = running.map((child) => once(child, 'exit'));
      for (const child of running) child.kill();
      await Promise.all(ended);
    },
  };
}

/** Time of all cores of the machine since it started, in milliseconds. */
export interface ProcessorTime {
  readonly busy: number;
  readonly all: number;
}

export function processorTime(): ProcessorTime {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const work = times.user + times.nice + times.sys + times.irq;
    busy += work;
    all += work + times.idle;
  }
  return { busy, all };
}

/** The share of the cores' time that was used between the two. */
export function busyShare(before: ProcessorTime, after: ProcessorTime): number {
  return (after.busy - before.busy) / Math.max(1, after.all - before.all);
}
