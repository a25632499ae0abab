import { expect, it } from 'vitest';
import { parseCommand } from './options.ts';

it('has a default for everything but what the seed draws', () => {
  expect(parseCommand([])).toMatchObject({ seeds: 1000, seed: 1, eventsMin: 5000, jobs: 1, record: false });
  expect(parseCommand([])?.workload).toBeUndefined();
  expect(parseCommand(['--help'])).toBeUndefined();
});

it('says what it does not understand', () => {
  expect(() => parseCommand(['--seeds', '0'])).toThrow('--seeds takes a whole number from 1 on');
  expect(() => parseCommand(['--workload', 'toString'])).toThrow('--workload takes one of');
  expect(() => parseCommand(['--nemesis', 'none', '--what'])).toThrow('--what');
});
