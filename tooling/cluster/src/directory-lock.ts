import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { StartRefused } from './start-refused.ts';

/**
 * Holds the data directory for this supervisor until disposed of. The lock is a name in the kernel (an abstract socket
 * named after the directory's inode): it is exact, and gone with the process however that ends, so a stale
 * `supervisor.pid` never stands in the way. The file is for people and scripts.
 *
 * Throws `CONFIG_INVALID` if another supervisor holds it.
 */
export async function lockDirectory(data: string): Promise<Disposable> {
  const { dev, ino } = statSync(data);
  const pidFile = join(data, 'supervisor.pid');
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.listen({ path: `\0ferrite-cluster-${dev}-${ino}` });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const owner = readPid(pidFile);
    throw new StartRefused(
      'CONFIG_INVALID',
      `${data} is in use by a running cluster${owner === undefined ? '' : ` (process ${owner})`}; ` +
        `stop that one first${owner === undefined ? '' : ` (Ctrl-C, or: kill ${owner})`}, or use another --data DIR`,
      { cause },
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    [Symbol.dispose]() {
      rmSync(pidFile, { force: true });
      server.close();
    },
  };
}

function readPid(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}
