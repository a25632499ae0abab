/** One partition on its way from one replica. */
export interface TransferStatus {
  readonly partition: number;
  readonly from: string;
  readonly records: number;
  readonly bytes: number;
  /** Why no page is on its way at the moment; empty if one is. */
  readonly stalled: string;
}

interface Transfer {
  readonly partition: number;
  readonly from: string;
  records: number;
  bytes: number;
  waits: boolean;
}

/**
 * What is told of the transfers of a recovery: each that runs, and how long the rest will take at the present rate. An
 * episode lasts from the first gap until there is none.
 */
export class TransferProgress {
  readonly #running = new Set<Transfer>();
  #partitionsDone = 0;
  #bytesDone = 0;

  begin(partition: number, from: string): Transfer {
    const transfer = { partition, from, records: 0, bytes: 0, waits: true };
    this.#running.add(transfer);
    return transfer;
  }

  end(transfer: Transfer): void {
    this.#running.delete(transfer);
  }

  moved(transfer: Transfer, records: number, bytes: number): void {
    transfer.records += records;
    transfer.bytes += bytes;
    this.#bytesDone += bytes;
  }

  partitionDone(partitionsLeft: number): void {
    this.#partitionsDone = partitionsLeft === 0 ? 0 : this.#partitionsDone + 1;
    if (partitionsLeft === 0) this.#bytesDone = 0;
  }

  /** `waitsFor`: why transfers that wait for room in the budget do. */
  running(waitsFor: string): readonly TransferStatus[] {
    return [...this.#running].map(({ waits, ...transfer }) => ({ ...transfer, stalled: waits ? waitsFor : '' }));
  }

  /** Milliseconds until the partitions left are merged, if they are like those before; undefined while that cannot be told. */
  estimateMs(partitionsLeft: number, bytesPerSecond: number): number | undefined {
    if (partitionsLeft === 0) return 0;
    if (this.#partitionsDone === 0 || bytesPerSecond === 0) return undefined;
    const bytesLeft = Math.max(0, (this.#bytesDone / this.#partitionsDone) * partitionsLeft);
    return Math.round((bytesLeft / bytesPerSecond) * 1_000);
  }
}
