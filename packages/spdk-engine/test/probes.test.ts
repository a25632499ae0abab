import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../src/index.ts';

const ADDON = new URL('../build/Release/ferrite_spdk_engine.node', import.meta.url);

/** Every probe, and the bytes of its arguments as in `native/engine/SEEN.md`; negative: signed. */
const PROBES = {
  op_submit: [4, 8, 8],
  op_done: [4, 8, 8, 4],
  group_commit: [8, 4, 8, 8],
  seal: [8],
  segment_activate: [4],
  segment_free: [4],
  device_done: [4, 8, 4, 8, -4],
} as const;

const header = [
  '/usr/include',
  '/usr/local/include',
  `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
]
  .map((folder) => `${folder}/sys/sdt.h`)
  .find(existsSync);

describe('the addon', () => {
  it('carries every probe with its arguments', (context) => {
    const probes = probesOf(readFileSync(ADDON));
    if (probes.length === 0 && header === undefined) context.skip('built without <sys/sdt.h> (systemtap-sdt-dev)');
    const found = new Map(probes.map(({ provider, name, sizes }) => [`${provider}:${name}`, sizes]));
    const expected = Object.entries(PROBES).map(([name, sizes]) => [`ferrite_engine:${name}`, sizes] as const);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    for (const { semaphore } of probes) expect(semaphore).toBe(0n);
  });

  it('fires them for bpftrace, with what the engine itself counts', async (context) => {
    if (header === undefined) context.skip('built without <sys/sdt.h> (systemtap-sdt-dev)');
    const hindered = await whyNoTracing();
    if (hindered !== undefined) context.skip(`bpftrace does not run here: ${hindered}`);
    await using engine = await openEngine({ device: 'memory:', sizeBytes: 64 * 1024 * 1024 });
    const tracing = traced();
    let seen: Awaited<typeof tracing> | undefined;
    const settled = tracing.then(
      (result) => (seen = result),
      () => (seen = {}),
    );
    for (let turn = 0; turn < 2000 && seen === undefined; turn += 1) {
      await engine.append({ keyspace: 1, key: Buffer.from('k'), value: Buffer.from('v') }).durable;
      await engine.get(1, Buffer.from('k'));
      await sleep(10);
    }
    await settled;
    const maps = await tracing;
    const { append, get } = engine.latency();
    expect(Object.keys(maps['@submitted'] ?? {})).toEqual(['0', '2']);
    expect(Object.keys(maps['@done'] ?? {}).sort()).toEqual(['0,0', '2,0']);
    expect(Object.keys(maps['@device'] ?? {}).sort()).toEqual(['0,0', '3,0']);
    for (const [kind, summary] of [
      ['0', append],
      ['2', get],
    ] as const) {
      expect(maps['@done']?.[`${kind},0`]).toBeLessThanOrEqual(summary.count);
      expect(maps['@longest']?.[kind]).toBeLessThanOrEqual(Math.round(summary.maxMicros * 1000));
    }
  });
});

/** Why bpftrace cannot trace anything on this host, whatever the addon is like. */
async function whyNoTracing(): Promise<string | undefined> {
  try {
    await promisify(execFile)('bpftrace', ['-e', 'BEGIN { exit(); }'], { timeout: 30_000 });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Two seconds of this process seen by bpftrace: its maps by name, their keys joined by commas. */
async function traced(): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>> {
  const program = (probe: string, body: string): string =>
    `usdt:${fileURLToPath(ADDON)}:ferrite_engine:${probe} { ${body} }`;
  const script = [
    program('op_submit', '@submitted[arg0] = count();'),
    program('op_done', '@done[arg0, arg3] = count(); @longest[arg0] = max(arg2);'),
    program('device_done', '@device[arg0, arg4] = count();'),
    'interval:s:2 { exit(); }',
  ].join(' ');
  const { stdout } = await promisify(execFile)('bpftrace', ['-p', `${process.pid}`, '-f', 'json', '-e', script], {
    timeout: 30_000,
  });
  const lines = stdout.split('\n').filter((line) => line.includes('"map"'));
  return Object.assign({}, ...lines.map((line) => JSON.parse(line).data));
}

interface Probe {
  readonly provider: string;
  readonly name: string;
  readonly semaphore: bigint;
  /** Bytes of each argument. */
  readonly sizes: readonly number[];
}

/** The notes of SystemTap in a 64-bit little-endian ELF file. */
function probesOf(file: Buffer): Probe[] {
  const sections = Number(file.readBigUInt64LE(0x28));
  const entry = file.readUInt16LE(0x3a);
  const section = (index: number): { name: number; at: number; bytes: number } => {
    const at = sections + index * entry;
    return {
      name: file.readUInt32LE(at),
      at: Number(file.readBigUInt64LE(at + 0x18)),
      bytes: Number(file.readBigUInt64LE(at + 0x20)),
    };
  };
  const names = section(file.readUInt16LE(0x3e));
  const all = Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => section(index));
  const notes = all.find(({ name }) => textAt(file, names.at + name) === '.note.stapsdt');
  const probes: Probe[] = [];
  for (let at = notes?.at ?? 0, end = at + (notes?.bytes ?? 0); at < end; ) {
    const owner = file.readUInt32LE(at);
    const description = at + 12 + rounded(owner);
    expect([textAt(file, at + 12), file.readUInt32LE(at + 8)]).toEqual(['stapsdt', 3]);
    const provider = textAt(file, description + 24);
    const name = textAt(file, description + 24 + provider.length + 1);
    const places = textAt(file, description + 24 + provider.length + 1 + name.length + 1);
    const sizes = [...places.matchAll(/(?:^| )(-?\d+)@/g)].map(([, bytes]) => Number(bytes));
    probes.push({ provider, name, semaphore: file.readBigUInt64LE(description + 16), sizes });
    at = description + rounded(file.readUInt32LE(at + 4));
  }
  return probes;
}

const rounded = (bytes: number): number => Math.ceil(bytes / 4) * 4;

function textAt(file: Buffer, at: number): string {
  return file.toString('latin1', at, file.indexOf(0, at));
}
