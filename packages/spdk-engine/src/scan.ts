import { StoreError } from '@ferrite/errors';
import type { ObjectStore, ScanRequest, StoredRecord } from './object-store.ts';

/** Walks a partition page by page, fetching one page ahead of the reader. */
export async function* scanByPages(
  store: Pick<ObjectStore, 'scanPage'>,
  request: ScanRequest,
): AsyncGenerator<StoredRecord, void, undefined> {
  let ahead = store.scanPage(request);
  for (;;) {
    const page = await ahead;
    if (page.next !== undefined) {
      ahead = store.scanPage({ ...request, after: page.next });
      // The reader may stop before this page; its failure is then nobody's business, else the await above throws it.
      ahead.catch(() => undefined);
    }
    yield* page.records;
    if (page.damaged > 0) {
      throw new StoreError('CHECKSUM_MISMATCH', {
        message: `${page.damaged} records of partition ${request.partition} of keyspace ${request.keyspace} are damaged`,
      });
    }
    if (page.next === undefined) return;
  }
}
