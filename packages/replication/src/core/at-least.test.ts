import { actorId, contextAtTime, contextOf, dot, emptyContext, join } from '@ferrite/vector-clock';
import { expect, it } from 'vitest';
import { AtLeast } from './at-least.ts';

const A = actorId('a'.repeat(32));
const B = actorId('b'.repeat(32));
const seen = contextOf([dot(A, 1), dot(B, 2)]);

it('is met by what descends from it, whatever time it carries', () => {
  const demand = new AtLeast(join(seen, contextAtTime(77)));
  expect(demand.isMetBy(contextOf([dot(A, 1), dot(A, 2), dot(B, 2)]))).toBe(true);
  expect(demand.isMetBy(contextOf([dot(A, 1)]))).toBe(false);
  expect(demand.isMetBy(emptyContext)).toBe(false);
  expect(new AtLeast(emptyContext).isMetBy(emptyContext)).toBe(true);
});

it('is met without a write that its own replica has forgotten, and only without that', () => {
  const demand = new AtLeast(seen);
  demand.learn({ actor: B, counter: 2 });
  expect(demand.isMetBy(contextOf([dot(A, 1)]))).toBe(true);
  expect(demand.isMetBy(emptyContext)).toBe(false);
  demand.learn({ actor: A, counter: 0 });
  expect(demand.isMetBy(emptyContext)).toBe(false);
  demand.learn({ actor: A, counter: 9 });
  expect(demand.isMetBy(emptyContext)).toBe(true);
});
