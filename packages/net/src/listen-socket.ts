import { lstatSync, unlinkSync } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { StoreError } from '@ferrite/errors';
import { type Endpoint, formatEndpoint, socketOptions } from './address.ts';

/** Pending connections the kernel holds for us; it clips this to `net.core.somaxconn`. */
const BACKLOG = 4096;
const PORT_UNPRIVILEGED_MIN = 1024;

/**
 * Binds `server` and gives the endpoint it really has (port 0 resolved). A Unix socket that a process has left behind is
 * taken over. Throws `ADDRESS_IN_USE`, `PATH_NOT_WRITABLE` or `CONFIG_INVALID`, each naming the address.
 */
export async function listenSocket(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  try {
    await listen(server, endpoint);
  } catch (error) {
    if (!isInUse(error) || endpoint.kind !== 'unix' || !(await removeAbandoned(endpoint.path)))
      throw listenError(error as NodeJS.ErrnoException, endpoint);
    await listen(server, endpoint).catch((again: NodeJS.ErrnoException) => {
      throw listenError(again, endpoint);
    });
  }
  const bound = server.address();
  if (endpoint.kind === 'unix' || bound === null || typeof bound === 'string') return endpoint;
  return { kind: 'tcp', host: endpoint.host, port: bound.port };
}

async function listen(server: Server, endpoint: Endpoint): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...socketOptions(endpoint), backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

/** Removes the socket at `path` if nobody listens behind it; a file of another kind is left alone. True if it is gone. */
async function removeAbandoned(path: string): Promise<boolean> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return true;
  if (!found.isSocket() || !(await refuses(path))) return false;
  // Another process may have done the same meanwhile, and listens by now.
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === found.ino) unlinkSync(path);
  return true;
}

/** True if a connection is refused, as by a socket whose process is gone. */
async function refuses(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

function listenError(cause: NodeJS.ErrnoException, endpoint: Endpoint): StoreError {
  const address = formatEndpoint(endpoint);
  const init = { details: { address }, cause };
  switch (cause.code) {
    case 'EADDRINUSE':
      return new StoreError('ADDRESS_IN_USE', { ...init, message: `another process listens on ${address}` });
    case 'EACCES':
    case 'EPERM':
      return refusedError(endpoint, init);
    default:
      return new StoreError('CONFIG_INVALID', {
        ...init,
        message: `cannot listen on ${address} (${cause.code ?? cause.message})`,
      });
  }
}

function refusedError(endpoint: Endpoint, init: { readonly details: { readonly address: string } }): StoreError {
  const { address } = init.details;
  if (endpoint.kind === 'unix') {
    return new StoreError('PATH_NOT_WRITABLE', { ...init, message: `this user may not listen on ${address}` });
  }
  const low = endpoint.port < PORT_UNPRIVILEGED_MIN;
  const why = low
    ? `port ${endpoint.port} is below ${PORT_UNPRIVILEGED_MIN}; choose a higher one, or give the program the capability CAP_NET_BIND_SERVICE`
    : `the system refuses port ${endpoint.port}; choose another one`;
  return new StoreError('CONFIG_INVALID', { ...init, message: `this user may not listen on ${address}: ${why}` });
}
