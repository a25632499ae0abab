import { expect, it } from 'vitest';
import { TicketTable } from './ticket-table.ts';

it('uses a number again once it is settled, and only then', () => {
  const table = new TicketTable<string>();
  expect([table.take('a'), table.take('b')]).toEqual([0, 1]);
  expect(table.settle(0)).toBe('a');
  expect([table.take('c'), table.take('d')]).toEqual([0, 2]);
  expect([table.at(0), table.settle(1), table.settle(2), table.settle(0)]).toEqual(['c', 'b', 'd', 'c']);
});

it('takes a completion nobody waits for as a broken invariant', () => {
  const table = new TicketTable<string>();
  table.take('a');
  table.settle(0);
  expect(() => table.settle(0)).toThrow(/INV-ENGINE-TICKET/);
  expect(() => table.settle(7)).toThrow(/INV-ENGINE-TICKET/);
});
