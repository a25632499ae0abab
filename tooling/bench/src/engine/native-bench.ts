import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isInstalled, output, spawnOwned } from '../peers/program.ts';
import type { Figure, Measure } from '../suite.ts';

const NATIVE = fileURLToPath(new URL('../../../../native', import.meta.url));
const BUILD = join(NATIVE, 'build/release');
const BUILD_WITHIN_MS = 600_000;
const ANSWER_WITHIN_MS = 120_000;
const END_WITHIN_MS = 60_000;

/** Builds `native/engine/bench`, alone or with the SPDK that is installed, and gives its path. Throws why it cannot. */
export async function buildNativeBench(target: 'engine_bench' | 'engine_bench_spdk' = 'engine_bench'): Promise<string> {
  if (!isInstalled('cmake')) throw new Error('cmake is not installed');
  await output('cmake', ['-S', NATIVE, '-B', BUILD, '-DCMAKE_BUILD_TYPE=RelWithDebInfo'], BUILD_WITHIN_MS);
  await output('cmake', ['--build', BUILD, '--target', target, '--parallel', '2'], BUILD_WITHIN_MS);
  return join(BUILD, 'engine', target);
}

/** The engine without Node, in a process of its own. */
export interface NativeBench extends AsyncDisposable {
  /** Stores the records 0 to `records` - 1. */
  fill(records: number): Promise<void>;
  reads(inFlight: number, records: number): Measure;
  puts(inFlight: number, records: number): Measure;
}

/** @param args of `engine_bench`: which image, and how it is driven */
export function openNativeBench(program: string, args: readonly string[]): NativeBench {
  const child = spawnOwned(program, args, ['pipe', 'pipe', 'pipe']);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('a process without pipes');
  const gone = once(child, 'close');
  let said = '';
  stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  // A process that has ended takes no command; its end is told by the answer that does not come.
  stdin.on('error', () => {});
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  const ask = async (command: string): Promise<Figure> => {
    const settled = new AbortController();
    stdin.write(`${command}\n`);
    try {
      const patience = sleep(ANSWER_WITHIN_MS, undefined, { signal: settled.signal });
      const line = await Promise.race([lines.next(), patience]);
      if (line !== undefined && line.done !== true) return figureOf(line.value);
      child.kill('SIGKILL');
      await gone;
      throw new Error(`engine_bench did not answer ${command}: ${said.trim()}`);
    } finally {
      settled.abort();
    }
  };
  const measure =
    (operation: 'read' | 'append', inFlight: number, records: number): Measure =>
    (seconds) =>
      ask(`${operation} ${inFlight} ${seconds} ${records}`);
  return {
    fill: async (records) => void (await ask(`fill ${records}`)),
    reads: (inFlight, records) => measure('read', inFlight, records),
    puts: (inFlight, records) => measure('append', inFlight, records),
    async [Symbol.asyncDispose]() {
      stdin.end();
      const patience = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await gone;
      clearTimeout(patience);
    },
  };
}

/** Reads one line of what `engine_bench` prints. */
export function figureOf(line: string): Figure {
  const { rate, p50_us, p99_us, cpu_us_per_op } = JSON.parse(line) as Readonly<Record<string, number>>;
  if (rate === undefined || p50_us === undefined || p99_us === undefined || cpu_us_per_op === undefined) {
    throw new Error(`engine_bench said: ${line}`);
  }
  return { rate, p50: p50_us, p99: p99_us, cpuUsPerOp: cpu_us_per_op };
}
