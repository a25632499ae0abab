import { existsSync, readFileSync } from 'node:fs';
import { NEMESES, PLANTED_BUGS, WORKLOADS } from '@ferrite/replication/testing';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('../CONSISTENCY.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');

/** The names of one kind that the page gives as proof. */
function named(kind: string): readonly string[] {
  return [...page.matchAll(new RegExp(`\\b${kind} \`([^\`]+)\``, 'g'))].map(([, name]) => name!);
}

describe('the page on consistency names what shows its claims', () => {
  it.each([
    ['workload', WORKLOADS],
    ['nemesis', NEMESES],
    ['bug', PLANTED_BUGS],
  ])('every %s that it names is one of the simulator', (kind, known) => {
    const names = named(kind);
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => !Object.hasOwn(known, name))).toEqual([]);
  });

  it('every workload that was made for a promise is named', () => {
    const made = ['last-write', 'expiring', 'sessions', 'repeating', 'sloppy', 'relaxed', 'mixed', 'scan-heavy'];
    expect(made.filter((name) => !named('workload').includes(name))).toEqual([]);
  });

  it('every test that it names exists under that title', () => {
    const tests = [...page.matchAll(/`([\w./-]+\.test\.ts)`: ([^|;)]+?) ?(?=[|;)])/g)];
    expect(tests.length).toBeGreaterThan(6);
    for (const [, file = '', title = ''] of tests) {
      const path = new URL(file, ROOT);
      expect(existsSync(path), file).toBe(true);
      expect(readFileSync(path, 'utf8'), `${file} has the test "${title}"`).toContain(title);
    }
  });

  it('every line of its tables gives a proof', () => {
    const lines = readFileSync(new URL('../CONSISTENCY.md', import.meta.url), 'utf8').split('\n');
    const rows = lines.filter(
      (line) => line.startsWith('| ') && !line.includes('shown by') && !line.startsWith('| ---'),
    );
    expect(rows.length).toBeGreaterThan(14);
    for (const row of rows) expect(row.split('|').at(-2), row).toMatch(/(workload|bug) `/);
  });
});
