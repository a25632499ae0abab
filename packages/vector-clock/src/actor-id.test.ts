import { StoreError } from '@ferrite/errors';
import { describe, expect, it } from 'vitest';
import { actorId, actorIdFromBytes, actorIdFromRandom, actorIdToBytes } from './actor-id.ts';

const invalid = expect.objectContaining({ reason: 'ARGUMENT_INVALID' });

describe('actor ids', () => {
  it('are 32 lowercase hexadecimal digits and nothing else', () => {
    const text = '00ff0123456789abcdef0123456789ab';
    expect(actorId(text)).toBe(text);
    for (const wrong of ['', text.toUpperCase(), text.slice(1), `${text}0`, `${text.slice(1)}g`, `${text}\n`]) {
      expect(() => actorId(wrong)).toThrow(invalid);
    }
  });

  it('survive the way through their 16 bytes', () => {
    const text = actorId('00ff0123456789abcdef0123456789ab');
    const bytes = actorIdToBytes(text);
    expect(bytes.slice(0, 3)).toEqual(Uint8Array.of(0x00, 0xff, 0x01));
    expect(actorIdFromBytes(bytes)).toBe(text);
  });

  it('refuse any other number of bytes', () => {
    expect(() => actorIdFromBytes(new Uint8Array(15))).toThrow(StoreError);
    expect(() => actorIdFromBytes(new Uint8Array(17))).toThrow(invalid);
  });

  it('take 32 bits from each of four random numbers, the ends of the range included', () => {
    const draws = [0, 1 - 2 ** -53, 0.5, 2 ** -32];
    expect(actorIdFromRandom(() => draws.shift() ?? 0)).toBe('00000000ffffffff8000000000000001');
  });

  it('sort as their bytes do', () => {
    const low = actorIdFromBytes(new Uint8Array(16).fill(0x9f));
    const high = actorIdFromBytes(new Uint8Array(16).fill(0xa0));
    expect(low < high).toBe(true);
  });
});
