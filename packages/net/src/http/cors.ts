import { cors } from '@connectrpc/connect';

/** Which browser pages may call: `*`, or exact origins. */
export type CorsOrigins = '*' | readonly string[];

const MAX_AGE_S = 7200;

/** Headers that let a page of `origin` read the answer; undefined if it may not, or is no browser. */
export function corsHeaders(origins: CorsOrigins, origin: string | undefined): Record<string, string> | undefined {
  if (origin === undefined || (origins !== '*' && !origins.includes(origin))) return undefined;
  return {
    'access-control-allow-origin': origins === '*' ? '*' : origin,
    'access-control-expose-headers': cors.exposedHeaders.join(', '),
    vary: 'Origin',
  };
}

/** What a preflight request is answered with besides {@link corsHeaders}. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-methods': cors.allowedMethods.join(', '),
  'access-control-allow-headers': [...cors.allowedHeaders, 'Authorization'].join(', '),
  'access-control-max-age': String(MAX_AGE_S),
};
