import type { Server } from 'node:net';
import { StoreError } from '@ferrite/errors';
import { type Endpoint, formatEndpoint, socketOptions } from './address.ts';

/** Pending connections the kernel holds for us; it clips this to `net.core.somaxconn`. */
const BACKLOG = 4096;

/**
 * Binds `server` and gives the endpoint it really has (port 0 resolved). Throws `ADDRESS_IN_USE`, `PERMISSION_DENIED`
 * or `CONFIG_INVALID`, each naming the address.
 */
export async function listenSocket(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, endpoint));
    server.once('error', onError);
    server.listen({ ...socketOptions(endpoint), backlog: BACKLOG }, () => {
      server.off('error', onError);
      resolve();
    });
  });
  const bound = server.address();
  if (endpoint.kind === 'unix' || bound === null || typeof bound === 'string') return endpoint;
  return { kind: 'tcp', host: endpoint.host, port: bound.port };
}

function listenError(cause: NodeJS.ErrnoException, endpoint: Endpoint): StoreError {
  const address = formatEndpoint(endpoint);
  const init = { details: { address }, cause };
  switch (cause.code) {
    case 'EADDRINUSE':
      return new StoreError('ADDRESS_IN_USE', { ...init, message: `another process listens on ${address}` });
    case 'EACCES':
    case 'EPERM':
      return new StoreError('PATH_NOT_WRITABLE', { ...init, message: `this user may not listen on ${address}` });
    default:
      return new StoreError('CONFIG_INVALID', {
        ...init,
        message: `cannot listen on ${address} (${cause.code ?? cause.message})`,
      });
  }
}
