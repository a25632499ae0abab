import { readFileSync } from 'node:fs';
import type { Figure } from '../suite.ts';

/** Linux counts processor time of processes in these units, whatever its timer runs at. */
const TICKS_PER_SECOND = 100;

/** Adds the processor time that a server, or all servers of a cluster, spent meanwhile, per operation. */
export async function withCpuOf(pids: readonly number[], measure: () => Promise<Figure>): Promise<Figure> {
  const spent = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const started = performance.now();
  const before = spent();
  const figure = await measure();
  const operations = figure.rate * ((performance.now() - started) / 1000);
  return { ...figure, cpuUsPerOp: ((spent() - before) * 1e6) / operations };
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets and may hold spaces; times are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
