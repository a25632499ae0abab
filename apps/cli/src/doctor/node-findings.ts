import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Finding, no } from './finding.ts';

/** How long the node may take to look at the host, in milliseconds. */
const DOCTOR_MS_MAX = 20_000;

/** The `ferrite-node` of this checkout; it is a program of its own and not a dependency. */
const IN_CHECKOUT = fileURLToPath(new URL('../../../node-server/bin/ferrite-node.js', import.meta.url));

/** What `ferrite-node --doctor --json` finds: io_uring, direct I/O, SPDK, open files. */
export async function nodeFindings(signal: AbortSignal): Promise<readonly Finding[]> {
  const local = existsSync(IN_CHECKOUT);
  const [file, args] = local ? [process.execPath, [IN_CHECKOUT]] : ['ferrite-node', []];
  const { promise, resolve } = Promise.withResolvers<readonly Finding[]>();
  execFile(file, [...args, '--doctor', '--json'], { timeout: DOCTOR_MS_MAX, signal }, (error, stdout, stderr) => {
    const found = parseFindings(stdout);
    if (found !== undefined) return resolve(found);
    const said = stderr.split('\n').find((line) => /error|ferrite-node/i.test(line));
    const why = said ?? error?.message ?? 'its answer is not understood';
    resolve([
      no(
        'ferrite-node',
        `io_uring, direct I/O and SPDK were not examined: ${why}`,
        local ? 'npm start' : 'npm install -g @ferrite/node-server',
      ),
    ]);
  });
  return await promise;
}

/** The findings in the output of the node's doctor; undefined if it is something else. */
export function parseFindings(output: string): readonly Finding[] | undefined {
  let document: unknown;
  try {
    document = JSON.parse(output);
  } catch {
    return undefined;
  }
  const checks = isObject(document) ? document['checks'] : undefined;
  return Array.isArray(checks) && checks.every(isFinding) ? checks : undefined;
}

function isFinding(value: unknown): value is Finding {
  if (!isObject(value)) return false;
  const { name, ok, detail, mend } = value;
  const texts = typeof name === 'string' && typeof detail === 'string';
  return texts && typeof ok === 'boolean' && (mend === undefined || typeof mend === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
