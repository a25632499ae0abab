import { expect, test } from 'vitest';
import { ContextMemory } from './context-memory.ts';

const key = (text: string): Uint8Array => new TextEncoder().encode(text);

test('the least recently used key is forgotten first', () => {
  const memory = new ContextMemory(2);
  memory.remember('k', key('a'), key('1'));
  memory.remember('k', key('b'), key('2'));
  memory.recall('k', key('a'));
  memory.remember('k', key('c'), key('3'));
  expect(memory.recall('k', key('b'))).toBeUndefined();
  expect([memory.recall('k', key('a')), memory.recall('k', key('c'))]).toEqual([key('1'), key('3')]);
});

test('keys that look alike in different keyspaces or as text are different', () => {
  const memory = new ContextMemory(10);
  memory.remember('a', key('b'), key('1'));
  expect(memory.recall('', key('a\0b'))).toBeUndefined();
  expect(memory.recall('b', key('b'))).toBeUndefined();
  memory.remember('a', Uint8Array.of(0xff), key('2'));
  expect(memory.recall('a', Uint8Array.of(0xfe))).toBeUndefined();
});

test('a context is kept as it was, and an empty one forgets the key', () => {
  const memory = new ContextMemory(10);
  const context = key('1');
  memory.remember('k', key('a'), context);
  context.fill(0);
  expect(memory.recall('k', key('a'))).toEqual(key('1'));
  memory.remember('k', key('a'), new Uint8Array());
  expect(memory.recall('k', key('a'))).toBeUndefined();
});
