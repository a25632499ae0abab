import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartRefused } from './start-refused.ts';

/** Marks every process of a cluster with its data directory, so that a later start recognises what an earlier one left. */
export const CLUSTER_MARK = 'FERRITE_CLUSTER_DATA';

interface Leftover {
  readonly pid: number;
  /** The configuration file of a node; absent: the admin API. */
  readonly config?: string;
}

/**
 * Deals with processes of this directory that outlived their supervisor (it was killed). The admin API holds nothing and
 * is stopped. Nodes hold data: they are named, with the command that stops them.
 */
export async function clearLeftovers(data: string, say: (line: string) => void): Promise<void> {
  const found = findLeftovers(data);
  const nodes = found.filter((process) => process.config !== undefined);
  if (nodes.length > 0) {
    const pids = nodes.map((node) => node.pid).join(' ');
    throw new StartRefused(
      'CONFIG_INVALID',
      `${nodes.length} ${nodes.length === 1 ? 'node is' : 'nodes are'} still running on ${data} without a supervisor ` +
        `(process ${pids}): an earlier start was killed, or they were started by hand. ` +
        `Stop them cleanly and start again: kill ${pids}`,
    );
  }
  for (const { pid } of found) {
    say(`stopping the admin API that an earlier start left behind (process ${pid})`);
    process.kill(pid, 'SIGTERM');
  }
  for (let waited = 0; findLeftovers(data).length > 0; waited++) {
    if (waited === 50) for (const { pid } of findLeftovers(data)) process.kill(pid, 'SIGKILL');
    await sleep(100);
  }
}

function findLeftovers(data: string): readonly Leftover[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => leftoverOf(Number(name), data) ?? []);
}

/** Undefined for processes that are none of ours, are gone by now, or are another user's. */
function leftoverOf(pid: number, data: string): Leftover | undefined {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const config = configArgument(args);
    if (config !== undefined && args.some((arg) => /ferrite-node|node-server/.test(arg))) {
      const path = resolve(readlinkSync(`/proc/${pid}/cwd`), config);
      if (dirname(path) === data) return { pid, config: path };
    }
    const mark = `${CLUSTER_MARK}=${data}`;
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark) ? { pid } : undefined;
  } catch {
    return undefined;
  }
}

function configArgument(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--config' || arg === '-c');
  return at >= 0 ? args[at + 1] : args.find((arg) => arg.startsWith('--config='))?.slice('--config='.length);
}
