import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@ferrite/errors';
import { parseTopology, serializeTopology, type TopologyDocument } from '@ferrite/replication';
import { CLUSTER_KEY_BYTES, type ClusterStore, clusterIdOf, parseClusterKey } from './cluster-store.ts';

const POLL_MS = 250;

/**
 * The topology store of clusters on one machine (rule P15): a directory in which each version is a file
 * `topology.<epoch>.json`. A version is written aside, flushed, and published with `link()`, which fails if the name
 * exists: that is the compare-and-set. Boots (P9) are `boot.<node>.<number>` files, made the same way; the cluster key
 * is `cluster.key`, readable by its owner only. Opening makes the directory if needed; throws `PATH_NOT_WRITABLE`.
 */
export function openFileTopologyStore(directory: string): ClusterStore {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw notWritable(directory, cause);
  }

  const latest = (): TopologyDocument | undefined => {
    const epoch = highest(directory, /^topology\.(\d+)\.json$/);
    return epoch === 0 ? undefined : parseTopology(readFileSync(join(directory, `topology.${epoch}.json`), 'utf8'));
  };

  const clusterKey = (): Uint8Array => {
    publish(directory, 'cluster.key', randomBytes(CLUSTER_KEY_BYTES).toString('hex'), 0o600);
    return parseClusterKey(readFileSync(join(directory, 'cluster.key'), 'utf8'), join(directory, 'cluster.key'));
  };

  return {
    clusterKey,
    clusterId: () => clusterIdOf(clusterKey()),
    // The directory is on this machine: what it holds is there when the node is.
    remembered: () => undefined,
    away: () => undefined,
    [Symbol.asyncDispose]: async () => {},
    read: async () => latest(),

    publish: async (document) =>
      publish(directory, `topology.${document.epoch}.json`, serializeTopology(document), 0o600) ? 'done' : 'lost',

    async *watch(signal) {
      let seen = 0;
      while (!signal.aborted) {
        const epoch = highest(directory, /^topology\.(\d+)\.json$/);
        if (epoch > seen) {
          const document = latest();
          if (document !== undefined) {
            seen = document.epoch;
            yield document;
          }
        }
        // A real wait: no file-change notification works on every file system.
        await sleep(POLL_MS, undefined, { ref: false });
      }
    },

    registerBoot: async (nodeId, boot, incarnation) => {
      const pattern = new RegExp(`^boot\\.${nodeId.replaceAll('.', '\\.')}\\.(\\d+)$`);
      const known = highest(directory, pattern);
      const name = (number: number): string => `boot.${nodeId}.${number}`;
      const knownBoot = (number: number): { boot: number; incarnation: string } => ({
        boot: number,
        incarnation: readFileSync(join(directory, name(number)), 'utf8').trim(),
      });
      if (known >= boot) return { registered: false, ...(known === 0 ? {} : { known: knownBoot(known) }) };
      if (!publish(directory, name(boot), `${incarnation}\n`, 0o600))
        return { registered: false, known: knownBoot(boot) };
      return { registered: true, ...(known === 0 ? {} : { known: knownBoot(known) }) };
    },
  };
}

/** The highest number that file names of this pattern carry; 0 if there is none. */
function highest(directory: string, pattern: RegExp): number {
  let max = 0;
  for (const name of readdirSync(directory)) max = Math.max(max, Number(pattern.exec(name)?.[1] ?? 0));
  return max;
}

/** Writes a file whole or not at all, durably; false if one of that name exists. */
function publish(directory: string, name: string, text: string, mode: number): boolean {
  const temporary = join(directory, `.${name}.${randomBytes(8).toString('hex')}`);
  try {
    const file = openSync(temporary, 'wx', mode);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, join(directory, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw notWritable(join(directory, name), cause);
  } finally {
    try {
      unlinkSync(temporary);
    } catch {
      // Never created, or gone already: nothing of ours is left behind.
    }
  }
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return true;
}

function notWritable(path: string, cause: unknown): StoreError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new StoreError('PATH_NOT_WRITABLE', {
    message: `${path} cannot be written (${code})`,
    details: { path, code },
    cause,
  });
}
