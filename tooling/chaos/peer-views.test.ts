import { expect, it } from 'vitest';
import { verdictsIn } from './peer-views.ts';

const line = (message: string): string => JSON.stringify({ 'log.level': 'warn', message, boot: 1, by: 'n2' });

it('finds in a log whom the node came to hold for less than alive', () => {
  const log = [
    line('node n3 is held for suspect'),
    line('node n3 is held for alive'),
    line('ready'),
    line('node n10 is held for dead'),
  ].join('\n');
  expect(verdictsIn(log)).toEqual([
    { subject: 'n3', state: 'suspect' },
    { subject: 'n10', state: 'dead' },
  ]);
  expect(verdictsIn(line('node n3 is held for alive'))).toEqual([]);
});
