import { expect, it } from 'vitest';
import { ClientLoad } from './client-load.ts';

it('tells what operations have met over the last second, also when none happens to be in flight', () => {
  const load = new ClientLoad();
  for (let each = 0; each < 5; each++) load.began();
  expect(load.most).toEqual({ ops: 5, peer: '' });
  for (let each = 0; each < 5; each++) load.ended();
  expect(load.own).toBe(0);
  load.second();
  expect(load.own).toBe(3);
  load.second();
  expect(load.most).toEqual({ ops: 0, peer: '' });
});

it('names the peer whose clients have most in flight, until it says otherwise', () => {
  const load = new ClientLoad();
  load.began();
  load.learn('n2', 7);
  load.learn('n3', 9);
  expect(load.most).toEqual({ ops: 9, peer: 'n3' });
  load.learn('n3', 0);
  expect(load.most).toEqual({ ops: 7, peer: 'n2' });
  load.learn('n2', 0);
  expect(load.most).toEqual({ ops: 1, peer: '' });
});
