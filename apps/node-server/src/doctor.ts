import { arch, release } from 'node:os';
import { type Capabilities, type Capability, capabilities } from '@ferrite/spdk-engine';
import { VERSION } from './version.ts';

const OPEN_FILES_WANTED = 12_512;

/** What a node finds on this host: the engine's capabilities and what they mean for a node. */
export interface Findings {
  readonly version: string;
  readonly node: string;
  readonly kernel: string;
  readonly architecture: string;
  readonly checks: readonly Finding[];
}

/** One line of the report. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What is so, or why it is not. */
  readonly detail: string;
  /** The command or step that mends a "no". */
  readonly mend?: string;
}

/** Looks at this host; opens nothing, changes nothing. */
export async function doctor(): Promise<Findings> {
  const found = capabilities();
  return {
    version: VERSION,
    node: process.versions.node,
    kernel: release(),
    architecture: arch(),
    checks: [
      finding('io_uring', found.uring, 'usable: the fast driver'),
      finding('direct I/O', found.directIo, 'files open with O_DIRECT'),
      finding('SPDK', found.spdk, 'an SPDK engine is built in'),
      openFiles(found.limits.openFiles),
    ],
  };
}

function finding(name: string, capability: Capability, yes: string): Finding {
  if (capability.available) return { name, ok: true, detail: yes };
  return { name, ok: false, detail: capability.why, mend: capability.mend };
}

function openFiles(limit: Capabilities['limits']['openFiles']): Finding {
  const ok = limit === 'unlimited' || limit >= OPEN_FILES_WANTED;
  const detail = `${limit} files may be open; 12000 connections need ${OPEN_FILES_WANTED}`;
  return { name: 'open files', ok, detail, ...(!ok && { mend: `ulimit -n ${OPEN_FILES_WANTED}` }) };
}

/** The findings as lines for people. */
export function doctorText(findings: Findings): string {
  const head = `ferrite-node ${findings.version}, Node ${findings.node}, Linux ${findings.kernel} ${findings.architecture}\n`;
  const lines = findings.checks.map(({ name, ok, detail, mend }) => {
    const line = `${ok ? 'yes' : 'no '}  ${name.padEnd(12)} ${detail}\n`;
    return mend === undefined ? line : `${line}                  -> ${mend}\n`;
  });
  return head + lines.join('');
}
