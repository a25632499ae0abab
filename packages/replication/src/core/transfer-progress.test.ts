import { expect, it } from 'vitest';
import { TransferProgress } from './transfer-progress.ts';

it('tells each transfer that runs, and why those wait that do', () => {
  const progress = new TransferProgress();
  const one = progress.begin(1, 'b');
  const two = progress.begin(2, 'c');
  two.waits = false;
  progress.moved(two, 3, 300);
  expect(progress.running('yields')).toEqual([
    { partition: 1, from: 'b', records: 0, bytes: 0, stalled: 'yields' },
    { partition: 2, from: 'c', records: 3, bytes: 300, stalled: '' },
  ]);
  progress.end(one);
  expect(progress.running('')).toHaveLength(1);
});

it('estimates the rest by what went before, once something did', () => {
  const progress = new TransferProgress();
  const transfer = progress.begin(1, 'b');
  progress.moved(transfer, 10, 1_000);
  expect(progress.estimateMs(4, 500)).toBeUndefined();
  progress.partitionDone(3);
  expect(progress.estimateMs(3, 0)).toBeUndefined();
  expect(progress.estimateMs(3, 500)).toBe(6_000);
  progress.partitionDone(0);
  expect(progress.estimateMs(0, 500)).toBe(0);
  // The next episode begins anew.
  expect(progress.estimateMs(5, 500)).toBeUndefined();
});
