import { StoreError } from '@ferrite/errors';

/** The URL of a server given as a URL or as HOST:PORT, without a path. Throws `ARGUMENT_INVALID`. */
export function parseServer(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null || url.protocol !== 'http:' || url.hostname === '' || url.pathname !== '/') {
    throw new StoreError('ARGUMENT_INVALID', {
      message: `"${text}" is no server; write for example http://127.0.0.1:7401`,
    });
  }
  return url.origin;
}
