import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import type { Result } from './runner.ts';
import type { Series } from './suite.ts';

/** What a run of a suite publishes. */
export interface SuiteReport {
  readonly suite: string;
  readonly host: string;
  /** null where there is no git. */
  readonly commit: string | null;
  readonly results: readonly Result[];
  readonly series?: readonly Series[];
}

export function describeHost(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${first?.model.trim() ?? 'unknown'} x ${cpus().length}, ${memory}, Linux ${release()}, Node ${process.version}`;
}

export function currentCommit(root: string): string | null {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '-changed');
  } catch {
    return null;
  }
}

/** A table for people: one row a result. */
export function table(results: readonly Result[]): string {
  const head = ['result', 'value', 'quartiles', 'ours', 'peer', 'p50 us', 'p99 us', 'cpu us/op', 'peer p99', ''];
  const rows = results.map((row) => [
    row.name,
    row.value === null ? '-' : number(row.value) + (row.unit === 'ratio' ? '' : ` ${row.unit}`),
    row.quartiles === null ? '' : row.quartiles.map(number).join(' to '),
    row.unit === 'ratio' ? number(row.ours_figure) : '',
    row.peer === null ? '' : `${number(row.peer_figure)} ${row.peer}`.trim(),
    number(row.p50),
    number(row.p99),
    number(row.cpu_us_per_op),
    number(row.peer_p99),
    [row.noisy === true ? 'noisy' : '', row.reason ?? row.note ?? ''].join(' ').trim(),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Three significant digits; thousands in full. */
function number(value: number | null): string {
  if (value === null) return '';
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
