import { StoreError } from '@ferrite/errors';

/** Where something listens: a TCP host and port, or the path of a Unix socket. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const UNIX_PREFIX = 'unix:';
/** `sun_path` of Linux, less its closing zero byte. */
const UNIX_PATH_BYTES_MAX = 107;
const PORT_MAX = 65_535;

/**
 * Reads `host:port`, `[v6]:port` or `unix:/path`. Port 0 asks the system for a free one when listening.
 * Throws `CONFIG_INVALID` naming the text.
 */
export function parseEndpoint(text: string): Endpoint {
  if (text.startsWith(UNIX_PREFIX)) {
    const path = text.slice(UNIX_PREFIX.length);
    if (path === '' || path.includes('\0')) throw invalid(text, 'the path of a Unix socket is missing');
    if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) {
      throw invalid(text, `the path of a Unix socket has more than ${UNIX_PATH_BYTES_MAX} bytes`);
    }
    return { kind: 'unix', path };
  }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > PORT_MAX) throw invalid(text, 'expected host:port, [ipv6]:port or unix:/path');
  return { kind: 'tcp', host, port };
}

/** The text that {@link parseEndpoint} reads back to the same endpoint. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return UNIX_PREFIX + endpoint.path;
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
}

/** What `net.connect` and `server.listen` take. */
export function socketOptions(endpoint: Endpoint): { host: string; port: number } | { path: string } {
  return endpoint.kind === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
}

function invalid(text: string, message: string): StoreError {
  return new StoreError('CONFIG_INVALID', {
    message: `"${text}" is no address: ${message}`,
    details: { address: text },
  });
}
