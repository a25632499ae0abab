import { expect, test } from 'vitest';
import { forEachBounded } from './for-each-bounded.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('never exceeds the bounds, except that one item always runs', async () => {
  const items = Array.from({ length: 200 }, (_, index) => ({ bytes: index % 17 === 0 ? 500 : (index * 37) % 60 }));
  let [count, bytes, done] = [0, 0, 0];
  await forEachBounded(items, { count: 8, bytes: 100 }, async (item) => {
    count += 1;
    bytes += item.bytes;
    expect(count).toBeLessThanOrEqual(8);
    expect(bytes <= 100 || count === 1).toBe(true);
    for (let turns = item.bytes % 3; turns >= 0; turns--) await turn();
    count -= 1;
    bytes -= item.bytes;
    done += 1;
  });
  expect(done).toBe(200);
});

test('a rejection stops new work and is thrown after what runs has ended', async () => {
  const started: number[] = [];
  let ended = 0;
  const items = Array.from({ length: 50 }, (_, index) => ({ bytes: 1, index }));
  const run = forEachBounded(items, { count: 4, bytes: 100 }, async ({ index }) => {
    started.push(index);
    await turn();
    if (index === 5) throw new Error('five');
    await turn();
    ended += 1;
  });
  await expect(run).rejects.toThrow('five');
  expect(started.length).toBeLessThan(12);
  expect(ended).toBe(started.length - 1);
});
