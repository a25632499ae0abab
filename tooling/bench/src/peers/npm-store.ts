import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { KEY_BYTES, VALUE_BYTES } from '../data-set.ts';
import type { Figure, Peer } from '../suite.ts';
import { openWorker } from '../worker.ts';

/** Embedded stores of npm that load into a Node process, as the engine does. */
export type NpmStoreKind = 'lmdb' | 'classic-level';

/** What its process is asked for. */
export interface NpmStoreLoad {
  readonly operation: 'fill' | 'put' | 'get';
  readonly inFlight: number;
  readonly seconds: number;
}

const CONFIGS = {
  lmdb: 'durable when a put settles: overlappingSync off',
  'classic-level': 'puts with sync: true, block cache 1/64 of the data, page cache below it, no compression',
} as const;

/** A store of npm in a process of its own. */
export interface NpmStore extends AsyncDisposable {
  /** Durable puts over `records` keys, this many promises in flight. */
  puts(inFlight: number): Peer;
  /** Random gets of `records` records, which the first turn stores. */
  gets(inFlight: number): Peer;
}

export function openNpmStore(kind: NpmStoreKind, directory: string, records: number): NpmStore {
  const version = versionOf(kind);
  if (version === undefined) {
    const missing = { missing: `${kind} has no build for this platform` };
    return { puts: () => missing, gets: () => missing, [Symbol.asyncDispose]: async () => {} };
  }
  const worker = openWorker<NpmStoreLoad, Figure>('./npm-store-client.ts', [
    kind,
    join(directory, kind),
    String(records),
  ]);
  let filled = false;
  const peer = (operation: 'put' | 'get', inFlight: number): Peer => ({
    name: kind,
    config: `${kind} ${version}, ${operation}s of ${KEY_BYTES} B and ${VALUE_BYTES} B, ${inFlight} in flight; ${CONFIGS[kind]}`,
    async measure(seconds) {
      if (operation === 'get' && !filled) await worker.ask({ operation: 'fill', inFlight: 1, seconds: 0 });
      filled ||= operation === 'get';
      return await worker.ask({ operation, inFlight, seconds });
    },
  });
  return {
    puts: (inFlight) => peer('put', inFlight),
    gets: (inFlight) => peer('get', inFlight),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

/** Absent where the package, or its native part for this platform, cannot be loaded. */
function versionOf(kind: NpmStoreKind): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    require(kind);
  } catch {
    return undefined;
  }
  const [before = ''] = require.resolve(kind).split(`/node_modules/${kind}/`);
  const manifest = readFileSync(join(before, 'node_modules', kind, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
