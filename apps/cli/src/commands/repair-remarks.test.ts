import type { RepairState } from '@ferrite/client';
import { expect, it } from 'vitest';
import { repairRemarks } from './repair-remarks.ts';

const idle: RepairState = {
  transfers: [],
  unreadableRecords: 0,
  unreadableStalled: '',
  background: [{ kind: 'recovery', waiting: 0, inFlight: 0, bytesPerSecond: 0, stalled: '' }],
  hints: [{ peer: 'n2', hints: 0, refused: 0 }],
  rounds: 4,
  differing: 0,
  missed: 0,
  comparisonStalled: '',
  movesOpen: 0,
  movesBegun: 0,
  movesStalled: '',
};

it('says nothing of a node that has everything', () => {
  expect(repairRemarks('n1', idle)).toEqual([]);
});

it('tells what is on its way, how fast, why it waits and for how long', () => {
  const transfers = Array.from({ length: 10 }, (_, partition) => {
    return { partition, from: 'n2', records: 3, bytes: 4096, stalled: partition === 0 ? 'clients are busy' : '' };
  });
  const background = [
    { kind: 'recovery', waiting: 7, inFlight: 1, bytesPerSecond: 2 ** 21, stalled: 'clients are busy' },
  ];
  const lines = repairRemarks('n1', { ...idle, transfers, background, estimatedMs: 90_000 });
  expect(lines[0]).toBe('n1: partition 0 from n2: 3 records, 4.0 KiB; waits: clients are busy');
  expect(lines[1]).toBe('n1: partition 1 from n2: 3 records, 4.0 KiB');
  expect(lines).toContain('n1: 2 further transfers');
  expect(lines.filter((line) => line.startsWith('n1: everything in about '))).toHaveLength(1);
  expect(lines).toContain('n1: recovery: 7 waiting, 2.0 MiB/s: clients are busy');
});

it('tells whom hints are for, what cannot be read and what could not be compared', () => {
  const hints = [{ peer: 'n3', hints: 12, refused: 2 }];
  const lines = repairRemarks('n1', {
    ...idle,
    hints,
    unreadableRecords: 1,
    unreadableStalled: 'n2 is away',
    missed: 3,
    comparisonStalled: 'n2 is away',
    movesOpen: 2,
    movesBegun: 1,
    movesStalled: 'partition 7: n4 is still merging',
  });
  expect(lines).toEqual([
    'n1: 1 record to be merged from others: n2 is away',
    'n1: 12 hints for n3, 2 without room',
    'n1: 2 partitions to move, 1 under way; partition 7: n4 is still merging',
    'n1: 3 comparisons could not be made: n2 is away',
  ]);
});
