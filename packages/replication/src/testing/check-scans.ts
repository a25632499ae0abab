import { compareBytes, fromLatin1 } from '../core/bytes.ts';
import type { Rule, ScanRecord } from './history.ts';

/** P19: the pages of a scan show each key at most once, in the order (hash, key), and nothing of another partition. */
export function checkScans(scans: readonly ScanRecord[], report: (rule: Rule, what: string) => void): void {
  for (const { id, pages, partition } of scans) {
    let last: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
    for (const { keys, next } of pages) {
      for (const { key: name, hash, partition: own } of keys) {
        const place = { hash, key: fromLatin1(name) };
        if (last !== undefined && comparePlaces(place, last) <= 0)
          report('scan-order', `scan ${id} shows ${name} again, or after a key that comes later`);
        if (own !== partition) report('scan-order', `scan ${id} of ${partition} shows ${name}`);
        last = place;
      }
      if (next === undefined) continue;
      if (last !== undefined && comparePlaces(next, last) < 0)
        report('scan-order', `scan ${id} goes on before what it has shown`);
      last = next;
    }
  }
}

function comparePlaces(
  a: { readonly hash: bigint; readonly key: Uint8Array },
  b: { readonly hash: bigint; readonly key: Uint8Array },
): number {
  if (a.hash !== b.hash) return a.hash < b.hash ? -1 : 1;
  return compareBytes(a.key, b.key);
}
