import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Figure, Peer } from '../suite.ts';
import { output } from './program.ts';

/** A bdev in memory, so that any host can compare: 4 KiB blocks. */
export const BDEV = 'Malloc0';
export const BDEV_BYTES = 256 * 1024 ** 2;
const BLOCK_BYTES = 4096;
const MEMORY_MIB = 768;

/** Path of SPDK's own benchmark: in `FERRITE_SPDK_ROOT`, where pkg-config knows SPDK, or in PATH. Or why there is none. */
export function findBdevperf(): { readonly program: string } | { readonly missing: string } {
  const roots = [process.env['FERRITE_SPDK_ROOT'], prefixOfPkgConfig()].filter((root) => root !== undefined);
  const folders = [
    ...roots.flatMap((root) => [join(root, 'build/examples'), join(root, 'bin')]),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const program = folders.map((folder) => join(folder, 'bdevperf')).find((path) => existsSync(path));
  if (program !== undefined) return { program };
  return {
    missing:
      roots.length === 0
        ? 'SPDK is not installed: neither FERRITE_SPDK_ROOT nor pkg-config names it'
        : `SPDK is installed without its bdevperf (looked in ${roots.join(', ')})`,
  };
}

/** Writes the JSON configuration of `BDEV`, for bdevperf and for the engine alike. */
export function writeBdevConfig(path: string): void {
  const params = { name: BDEV, num_blocks: BDEV_BYTES / BLOCK_BYTES, block_size: BLOCK_BYTES };
  const config = [{ method: 'bdev_malloc_create', params }];
  writeFileSync(path, JSON.stringify({ subsystems: [{ subsystem: 'bdev', config }] }));
}

/** Random reads of 4 KiB, one at a time, polling. */
export function bdevperfReads(program: string, config: string): Peer {
  const shape = ['-q', '1', '-o', String(BLOCK_BYTES), '-w', 'randread', '-l'];
  return {
    name: 'bdevperf',
    config: `${BDEV} of ${BDEV_BYTES} bytes, ${shape.join(' ')}, no huge pages`,
    async measure(seconds) {
      const place = ['-c', config, '--no-huge', '-s', String(MEMORY_MIB), '-m', '0x1'];
      return figureOf(await output(program, [...place, ...shape, '-t', String(Math.ceil(seconds))]));
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

function prefixOfPkgConfig(): string | undefined {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const prefix = execFileSync('pkg-config', ['--variable=prefix', 'spdk_bdev'], {
      encoding: 'utf8',
      stdio: [...stdio],
    });
    return prefix.trim() === '' ? undefined : prefix.trim();
  } catch {
    return undefined;
  }
}
