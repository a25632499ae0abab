import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Suite } from '../suite.ts';
import { backgroundSuite } from './background.ts';
import { clusterSuite } from './cluster.ts';
import { engineSuite } from './engine.ts';
import { type MicroBenchmark, microSuite } from './micro.ts';
import { rpcSuite } from './rpc.ts';

/** Every suite, in the order of `npm run bench -- all`. */
export const SUITES: readonly Suite[] = [
  engineSuite,
  rpcSuite,
  clusterSuite,
  backgroundSuite,
  microSuite('hashing', 'What do key hashes and placement cost? Absolute figures.', () =>
    benchOf('hashing/bench/hashing'),
  ),
  microSuite(
    'clock',
    'What does causality cost a request? Absolute figures on the common record: two actors, one sibling of 1 KiB.',
    () => benchOf('vector-clock/bench/clock'),
    [{ name: 'encode-record-1k-vs-copy', of: 'encode-record-1k', over: 'copy-1k' }],
  ),
];

/** Benchmarks live beside what they measure and are no part of a package's surface. */
async function benchOf(path: string): Promise<{ readonly benchmarks: readonly MicroBenchmark[] }> {
  const file = fileURLToPath(new URL(`../../../../packages/${path}.bench.ts`, import.meta.url));
  return (await import(pathToFileURL(file).href)) as { readonly benchmarks: readonly MicroBenchmark[] };
}
