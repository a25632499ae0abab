import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenSocket } from './listen-socket.ts';

let directory: string;
const servers: Server[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ferrite-listen-'));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(directory, { recursive: true, force: true });
});

const listenAt = (path: string) => {
  const server = createServer();
  servers.push(server);
  return listenSocket(server, { kind: 'unix', path });
};

describe('a Unix socket', () => {
  it('that a killed process has left behind is taken over', async () => {
    const path = join(directory, 's');
    const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(spawnSync(process.execPath, ['-e', code]).signal).toBe('SIGKILL');
    expect(execFileSync('stat', ['-c', '%F', path], { encoding: 'utf8' })).toBe('socket\n');
    expect(await listenAt(path)).toEqual({ kind: 'unix', path });
    await expect(listenAt(path)).rejects.toThrow(`ADDRESS_IN_USE: another process listens on unix:${path}`);
  });

  it('is never made in the place of a file', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, 'precious');
    await expect(listenAt(path)).rejects.toMatchObject({ reason: 'ADDRESS_IN_USE' });
  });
});

/** A server that the system refuses its address with this code. */
function refused(code: string): Server {
  const server = createServer();
  server.listen = function listen(this: Server) {
    queueMicrotask(() => this.emit('error', Object.assign(new Error(code), { code })));
    return this;
  } as Server['listen'];
  return server;
}

describe('an address that the system refuses', () => {
  it('is named with the port and what to do about it', async () => {
    await expect(listenSocket(refused('EACCES'), { kind: 'tcp', host: '127.0.0.1', port: 80 })).rejects.toThrow(
      'CONFIG_INVALID: this user may not listen on 127.0.0.1:80: port 80 is below 1024; choose a higher one, or give the program the capability CAP_NET_BIND_SERVICE',
    );
    await expect(listenSocket(refused('EACCES'), { kind: 'tcp', host: '127.0.0.1', port: 5000 })).rejects.toThrow(
      'CONFIG_INVALID: this user may not listen on 127.0.0.1:5000: the system refuses port 5000',
    );
  });

  it('is a path that cannot be written where it is one', async () => {
    await expect(listenSocket(refused('EACCES'), { kind: 'unix', path: '/s' })).rejects.toMatchObject({
      reason: 'PATH_NOT_WRITABLE',
      details: { address: 'unix:/s' },
    });
  });
});
