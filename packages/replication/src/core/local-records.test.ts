import { contextOf } from '@ferrite/vector-clock';
import { describe, expect, it } from 'vitest';
import { Desk } from './desk.ts';
import type { Effect } from './effect.ts';
import { LocalRecords } from './local-records.ts';
import { decodeVersions, encodeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';

const ACTOR = '0'.repeat(32) as Versions['context']['entries'][number]['actor'];
const at = new RecordKey(1, new Uint8Array([1, 2, 3]));

/** Records over a desk whose effects the test answers by hand. */
function open(cacheBytes: number): { readonly desk: Desk; readonly records: LocalRecords } {
  const desk = new Desk();
  const host = { damaged: () => {}, changed: () => {}, deviceFailed: () => {} };
  return { desk, records: new LocalRecords(desk, host, () => false, cacheBytes) };
}

const versions = (counter: number): Versions => ({ context: contextOf([{ actor: ACTOR, counter }]), siblings: [] });

function store(desk: Desk, records: LocalRecords, counter: number): void {
  records.update(at, () => versions(counter), { accepted: () => {}, durable: () => {}, refused: () => {} });
  answer(desk, (effect) => {
    if (effect.type === 'read')
      desk.deliver({ type: 'read', ticket: effect.ticket, outcome: { ok: true, value: undefined } });
  });
  answer(desk, (effect) => {
    if (effect.type !== 'append') return;
    desk.deliver({ type: 'accepted', ticket: effect.ticket, refused: undefined });
    desk.deliver({ type: 'durable', ticket: effect.ticket, failed: undefined });
  });
}

function answer(desk: Desk, each: (effect: Effect) => void): void {
  // Answers lead to further effects, which the list would be used for again.
  const effects = Array.from(desk.take());
  for (const effect of effects) each(effect);
}

function reads(desk: Desk): number {
  return desk.take().filter(({ type }) => type === 'read').length;
}

describe('the records of a node', () => {
  it('are read from memory once they were stored', () => {
    const { desk, records } = open(64 * 1024);
    store(desk, records, 5);
    let found: Versions | undefined;
    records.read(at, true, (outcome) => {
      found = outcome.ok ? decodeVersions(outcome.value) : undefined;
    });
    expect(reads(desk)).toBe(0);
    expect(found).toEqual(versions(5));
  });

  it('are read from the medium without memory, after a doubt, and after a partition was dropped (INV-REPL-27)', () => {
    const without = open(0);
    store(without.desk, without.records, 5);
    without.records.read(at, true, () => {});
    expect(reads(without.desk)).toBe(1);

    const { desk, records } = open(64 * 1024);
    store(desk, records, 5);
    records.doubt();
    records.read(at, true, () => {});
    expect(reads(desk)).toBe(1);

    store(desk, records, 6);
    records.dropPartition(1, 0, () => {});
    desk.take();
    records.read(at, true, () => {});
    expect(reads(desk)).toBe(1);
  });

  it.each(['change', 'doubt'] as const)('a read that was overtaken by a %s is not kept', (overtake) => {
    const { desk, records } = open(64 * 1024);
    records.read(at, false, () => {});
    const [asked] = [...desk.take()];
    if (overtake === 'change') store(desk, records, 7);
    else records.doubt();
    const ticket = asked?.type === 'read' ? asked.ticket : 0;
    desk.deliver({ type: 'read', ticket, outcome: { ok: true, value: encodeVersions(versions(3)) } });
    let found: Versions | 'asks the medium' = 'asks the medium';
    records.read(at, false, (outcome) => {
      found = decodeVersions(outcome.ok ? outcome.value : undefined);
    });
    expect(found).toEqual(overtake === 'change' ? versions(7) : 'asks the medium');
  });
});
