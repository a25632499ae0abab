import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_BYTES, VALUE_BYTES } from '../data-set.ts';
import type { Figure, Peer } from '../suite.ts';
import { isInstalled, output } from './program.ts';

const SHAPE = [`--key_size=${KEY_BYTES}`, `--value_size=${VALUE_BYTES}`, '--compression_type=none'];
/** Without it every thread does 1,000 operations before it first looks at the clock. */
const TIMED = ['--ops_between_duration_checks=10', '--histogram=1'];
const MISSING: Peer = { missing: 'db_bench is not installed' };

/** RocksDB's own benchmark, as Debian's rocksdb-tools ships it. */
export interface RocksDb {
  /** Random writes, each synced, by this many threads into a database of its own. */
  puts(threads: number): Peer;
  /** Random direct reads by this many threads of the filled database. */
  reads(threads: number): Peer;
}

/** Databases below `directory`. The one to read is filled with `records` records by its first turn. */
export function openRocksDb(directory: string, records: number): RocksDb {
  if (!isInstalled('db_bench')) return { puts: () => MISSING, reads: () => MISSING };
  const filled = join(directory, 'rocksdb');
  const bench = (benchmarks: string, db: string, ...args: string[]): Promise<string> =>
    output('db_bench', [`--benchmarks=${benchmarks}`, `--db=${db}`, `--num=${records}`, ...SHAPE, ...args]);
  let filling: Promise<unknown> | undefined;
  const cacheBytes = Math.max(1, Math.round((records * VALUE_BYTES) / 64));
  return {
    puts: (threads) => ({
      name: 'RocksDB',
      config: `db_bench fillrandom, sync=1, threads=${threads}, no compression`,
      async measure(seconds) {
        const db = join(directory, 'rocksdb-puts');
        try {
          const timed = [`--threads=${threads}`, `--duration=${Math.ceil(seconds)}`, ...TIMED];
          return figureOf(await bench('fillrandom', db, '--sync=1', ...timed), 'fillrandom');
        } finally {
          rmSync(db, { recursive: true, force: true });
        }
      },
    }),
    reads: (threads) => ({
      name: 'RocksDB',
      config:
        `db_bench readrandom, use_direct_reads=1, cache_size=${cacheBytes} (1/64 of the data), bloom_bits=10, ` +
        `threads=${threads}, no compression`,
      async measure(seconds) {
        filling ??= bench('fillseq,flush,waitforcompaction', filled, '--disable_wal=1');
        await filling;
        const direct = ['--use_existing_db=1', '--readonly=1', '--use_direct_reads=1', '--bloom_bits=10'];
        const timed = [`--threads=${threads}`, `--duration=${Math.ceil(seconds)}`, ...TIMED];
        const text = await bench('readrandom', filled, ...direct, `--cache_size=${cacheBytes}`, ...timed);
        return figureOf(text, 'readrandom');
      },
    }),
  };
}

/** Reads what db_bench prints about one benchmark; random reads must have found their keys. */
export function figureOf(text: string, benchmark: string): Figure {
  const [, rate] = new RegExp(`^${benchmark}\\s*:.*?([\\d.]+) ops/sec`, 'm').exec(text) ?? [];
  const [, p50, p99] = /P50: ([\d.]+).*?P99: ([\d.]+)/.exec(text) ?? [];
  if (rate === undefined || p50 === undefined) throw new Error(`db_bench said: ${text.slice(-500)}`);
  const [, found, asked] = /\((\d+) of (\d+) found\)/.exec(text) ?? [];
  if (found !== asked) throw new Error(`db_bench found ${found} of ${asked} keys`);
  return { rate: Number(rate), p50: Number(p50), p99: Number(p99) };
}
