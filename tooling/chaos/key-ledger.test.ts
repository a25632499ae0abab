import { describe, expect, it } from 'vitest';
import { KeyLedger } from './key-ledger.ts';

/** A key with these writes, each ended before the next began. */
function written(...writes: readonly (readonly ['put' | 'delete', 'done' | 'none' | 'unknown'])[]): KeyLedger {
  const ledger = new KeyLedger();
  for (const [kind, fate] of writes) ledger.end(ledger.begin(kind), fate);
  return ledger;
}

const read = (ledger: KeyLedger, ...numbers: number[]): string =>
  ledger.endRead(ledger.beginRead(), numbers).wrong.join('; ');

describe('a read', () => {
  it('must return the newest write that was acknowledged', () => {
    const ledger = written(['put', 'done'], ['put', 'done']);
    expect(read(ledger, 1)).toBe('');
    expect(read(ledger, 0)).toContain('which write 1 replaced');
    expect(read(ledger)).toContain('nothing as new as write 1');
  });

  it('must not fall behind an earlier read', () => {
    const ledger = written(['put', 'done'], ['put', 'unknown']);
    expect(read(ledger, 1)).toBe('');
    expect(read(ledger, 0)).toContain('which write 1 replaced');
  });

  it('may return a write in doubt at any time, even beside a later one', () => {
    const ledger = written(['put', 'done'], ['put', 'unknown'], ['put', 'done']);
    expect(read(ledger, 2)).toBe('');
    expect(read(ledger, 1, 2)).toBe('');
    expect(ledger.certain).toBe(false);
  });

  it('may show a late attempt of an acknowledged write beside a newer one, which is told', () => {
    const ledger = written(['put', 'done'], ['put', 'done']);
    expect(ledger.endRead(ledger.beginRead(), [0, 1])).toEqual({ wrong: [], late: true });
  });

  it('must not return what was refused, or what nobody wrote', () => {
    const ledger = written(['put', 'done'], ['put', 'none']);
    expect(read(ledger, 0)).toBe('');
    expect(read(ledger, 0, 1)).toContain('which was refused');
    expect(read(ledger, 7)).toContain('which nobody wrote');
  });

  it('finds nothing after a delete, and again what was put after it', () => {
    const ledger = written(['put', 'done'], ['delete', 'done']);
    expect(read(ledger)).toBe('');
    expect(read(ledger, 0)).toContain('which write 1 replaced');
    expect(read(ledger, 1)).toContain('which nobody wrote');
    ledger.end(ledger.begin('put'), 'done');
    expect(read(ledger, 2)).toBe('');
    expect(read(ledger)).toContain('nothing as new');
  });

  it('may find nothing while a delete is under way or in doubt', () => {
    const ledger = written(['put', 'done']);
    const start = ledger.beginRead();
    ledger.begin('delete');
    expect(ledger.endRead(start, []).wrong).toEqual([]);
    expect(ledger.endRead(start, [0]).wrong).toEqual([]);
  });

  it('is judged by what was known when it began', () => {
    const ledger = written(['put', 'done']);
    const start = ledger.beginRead();
    ledger.end(ledger.begin('put'), 'done');
    expect(ledger.endRead(start, [0]).wrong).toEqual([]);
  });
});
