import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Figure, Peer } from '../suite.ts';
import { output } from './program.ts';

const BLOCK_BYTES = 4096;
const MEMORY_MIB = 768;

/** SPDK's own benchmark, and where the libraries lie that it needs. */
export interface Bdevperf {
  readonly program: string;
  readonly libraries: readonly string[];
}

/**
 * Finds bdevperf: named by `FERRITE_BDEVPERF` (SPDK's `make install` leaves it in `build/examples`), below
 * `FERRITE_SPDK_ROOT`, where pkg-config knows SPDK, or in PATH. Or says why there is none.
 */
export function findBdevperf(): Bdevperf | { readonly missing: string } {
  const roots = [process.env['FERRITE_SPDK_ROOT'], prefixOfPkgConfig()].filter((root) => root !== undefined);
  if (roots.length === 0)
    return { missing: 'SPDK is not installed: neither FERRITE_SPDK_ROOT nor pkg-config names it' };
  const named = process.env['FERRITE_BDEVPERF'];
  const folders = [...roots.flatMap((root) => [join(root, 'bin'), join(root, 'build/examples')]), ...pathFolders()];
  const program = [...(named === undefined ? [] : [named]), ...folders.map((folder) => join(folder, 'bdevperf'))].find(
    (path) => existsSync(path),
  );
  if (program === undefined) return { missing: 'SPDK is installed without its bdevperf: name it by FERRITE_BDEVPERF' };
  return { program, libraries: roots.flatMap((root) => [join(root, 'lib'), join(root, 'build/lib')]) };
}

/** Random reads of 4 KiB of a bdev, one at a time, polling. @param prepare gives the JSON configuration's path. */
export function bdevperfReads({ program, libraries }: Bdevperf, bdev: string, prepare: () => Promise<string>): Peer {
  const shape = ['-q', '1', '-o', String(BLOCK_BYTES), '-w', 'randread', '-l'];
  const path = [...libraries, process.env['LD_LIBRARY_PATH'] ?? ''].filter((folder) => folder !== '').join(delimiter);
  return {
    name: 'bdevperf',
    config: `${bdev}, ${shape.join(' ')}, no huge pages`,
    async measure(seconds) {
      const place = ['-c', await prepare(), '--no-huge', '-s', String(MEMORY_MIB), '--disable-cpumask-locks'];
      const args = [...place, ...shape, '-t', String(Math.ceil(seconds))];
      return figureOf(await output('env', [`LD_LIBRARY_PATH=${path}`, program, ...args]));
    },
  };
}

/** Reads the totals and the latency summary that bdevperf prints. */
export function figureOf(text: string): Figure {
  const [, rate] = /^\s*Total\s*:\s+([\d.]+)/m.exec(text) ?? [];
  const quantile = (percent: string): number => {
    const [, micros] = new RegExp(`^\\s*${percent}% :\\s+([\\d.]+)us`, 'm').exec(text) ?? [];
    return Number(micros);
  };
  const [p50, p99] = [quantile('50\\.00000'), quantile('99\\.00000')];
  if (rate === undefined || Number.isNaN(p50)) throw new Error(`bdevperf said: ${text.slice(-500)}`);
  return { rate: Number(rate), p50, p99 };
}

function pathFolders(): readonly string[] {
  return (process.env['PATH'] ?? '').split(delimiter);
}

function prefixOfPkgConfig(): string | undefined {
  try {
    const prefix = execFileSync('pkg-config', ['--variable=prefix', 'spdk_bdev'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return prefix === '' ? undefined : prefix;
  } catch {
    return undefined;
  }
}
