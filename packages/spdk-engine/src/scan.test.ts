import { expect, it } from 'vitest';
import type { ScanPage, ScanPageRequest, StoredRecord } from './object-store.ts';
import { scanByPages } from './scan.ts';

/** A store of records 0 to `count`-1, one a page, that notes what it was asked for. */
function pagesOf(
  count: number,
  damagedAt = -1,
): { asked: number[]; scanPage(request: ScanPageRequest): Promise<ScanPage> } {
  const asked: number[] = [];
  return {
    asked,
    async scanPage({ keyspace, partition, after }) {
      const n = after === undefined ? 0 : Number(after.hash) + 1;
      asked.push(n);
      const key = Uint8Array.of(n);
      const record = { keyspace, partition, key, value: key, sequence: n, generation: 0, expiresAtMs: 0 };
      const page = { records: [record], damaged: n === damagedAt ? 1 : 0 };
      return n + 1 < count ? { ...page, next: { hash: BigInt(n), key } } : page;
    },
  };
}

const request = { keyspace: 1, partition: 2 };

it('fetches one page ahead of its reader, never more', async () => {
  const store = pagesOf(10);
  let read = 0;
  for await (const record of scanByPages(store, request)) {
    expect(record.sequence).toBe(read);
    read += 1;
    expect(store.asked.length).toBeLessThanOrEqual(read + 1);
  }
  expect(read).toBe(10);
});

it('stops asking when its reader stops', async () => {
  const store = pagesOf(10);
  for await (const _ of scanByPages(store, request)) break;
  expect(store.asked).toEqual([0, 1]);
});

it('says that records are missing, after those that are there', async () => {
  const seen: StoredRecord[] = [];
  const reading = async (): Promise<void> => {
    for await (const record of scanByPages(pagesOf(10, 3), request)) seen.push(record);
  };
  await expect(reading()).rejects.toMatchObject({ reason: 'CHECKSUM_MISMATCH' });
  expect(seen.length).toBe(4);
});

it('does not leave the failure of a page nobody waits for as an unhandled rejection', async () => {
  const store = pagesOf(10);
  const failing: typeof store = {
    asked: store.asked,
    scanPage: (of) => (of.after === undefined ? store.scanPage(of) : Promise.reject(new Error('gone'))),
  };
  for await (const _ of scanByPages(failing, request)) break;
  const pages = scanByPages(failing, request);
  await pages.next();
  await expect(pages.next()).rejects.toThrow('gone');
});
