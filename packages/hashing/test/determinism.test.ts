import { execFileSync } from 'node:child_process';
import { planPlacement, rendezvousOrder } from '@ferrite/hashing';
import { expect, it } from 'vitest';

const nodes = Array.from({ length: 7 }, (_, i) => ({
  id: `n${i}`,
  host: `h${i >> 1}`,
  zone: `z${i % 3}`,
  weight: 1 + (i % 2),
}));
const input = { nodes, partitionCount: 256, replicas: 3 };

/** The same questions, asked in a process of its own. */
const program = `
  import { planPlacement, rendezvousOrder } from '@ferrite/hashing';
  const input = JSON.parse(process.argv[1]);
  const first = planPlacement(input);
  const grown = { ...input, nodes: [...input.nodes, { id: 'late', host: 'h9', zone: 'z0', weight: 1 }] };
  process.stdout.write(JSON.stringify([first, planPlacement({ ...grown, previous: first }), rendezvousOrder(5, input.nodes)]));
`;

function answerOfProcess(seed: number): unknown {
  const shuffled = { ...input, nodes: nodes.map((_, index) => nodes[(index * 3 + seed) % nodes.length]) };
  const flags = ['--conditions=@ferrite/source', '--no-warnings', `--hash-seed=${seed}`, '--input-type=module'];
  const output = execFileSync(process.execPath, [...flags, '--eval', program, JSON.stringify(shuffled)], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: {},
  });
  return JSON.parse(output);
}

it('every process plans the same table from the same nodes, whatever their order', { timeout: 60_000 }, () => {
  const first = planPlacement(input);
  const grown = [...nodes, { id: 'late', host: 'h9', zone: 'z0', weight: 1 }];
  const here = [first, planPlacement({ ...input, nodes: grown, previous: first }), rendezvousOrder(5, nodes)];
  expect(answerOfProcess(1)).toEqual(here);
  expect(answerOfProcess(2)).toEqual(here);
});
