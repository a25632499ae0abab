import type { Socket } from 'node:net';

/** What opens every HTTP/2 connection (RFC 9113, section 3.4); HTTP/1.1 has no method `PRI`. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2');

/**
 * Reads just enough of a fresh connection to tell HTTP/2 from the rest, and puts it back. Destroys the socket if nothing
 * comes within `timeoutMs`.
 */
export function sniff(socket: Socket, timeoutMs: number, decide: (version: 1 | 2) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('error', stop);
    socket.off('close', stop);
  };
  const onReadable = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      seen = Buffer.concat([seen, chunk]);
    }
    const length = Math.min(seen.length, HTTP2_PREFACE.length);
    const http2 = HTTP2_PREFACE.subarray(0, length).equals(seen.subarray(0, length));
    if (http2 && length < HTTP2_PREFACE.length) return;
    stop();
    socket.unshift(seen);
    decide(http2 ? 2 : 1);
  };
  socket.on('readable', onReadable);
  socket.on('error', stop);
  socket.on('close', stop);
}
