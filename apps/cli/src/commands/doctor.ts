import { arch, release } from 'node:os';
import type { Finding } from '../doctor/finding.ts';
import { inspectHost, thisHost } from '../doctor/host.ts';
import { nodeFindings } from '../doctor/node-findings.ts';
import { EXIT } from '../exit-code.ts';
import type { Registry } from './register.ts';

export function addDoctor(registry: Registry): void {
  registry.add(
    'doctor',
    'what this host can do, and for each "no" the command that mends it',
    ['doctor', 'doctor --json'],
    (command) => command.addHelpText('after', '\nA "no" is no failure: Ferrite works without. The exit code is 0.\n'),
    async (session) => {
      const found = await Promise.all([nodeFindings(session.terminal.signal), inspectHost(thisHost(release()))]);
      const checks = found.flat();
      const host = { node: process.versions.node, kernel: release(), architecture: arch() };
      await session.print({ ...host, checks }, () => {
        return `Node ${host.node}, Linux ${host.kernel}, ${host.architecture}\n\n${findingLines(checks)}`;
      });
      return EXIT.ok;
    },
  );
}

export function findingLines(checks: readonly Finding[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, ok, detail, mend }) => {
      const line = `${ok ? 'yes' : 'no '}  ${name.padEnd(width)}  ${detail}\n`;
      return mend === undefined ? line : `${line}${' '.repeat(width + 7)}-> ${mend}\n`;
    })
    .join('');
}
