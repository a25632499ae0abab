import { type MutationName, PLANTED_BUGS, runSeed } from '../../packages/replication/src/testing/index.ts';
import { recordEvidence } from '../evidence/record.ts';
import type { SimCommand } from './options.ts';

/** Plants each bug and looks for the first seed that shows it; false if one does not show within the seeds. */
export function findBugs({ seed: first, seeds, record }: SimCommand): boolean {
  const bugs = Object.keys(PLANTED_BUGS) as MutationName[];
  let found = 0;
  let most = 0;
  for (const bug of bugs) {
    const options = { preset: PLANTED_BUGS[bug], mutations: [bug] };
    let tried = 0;
    let rules: readonly string[] = [];
    while (rules.length === 0 && tried < seeds)
      rules = runSeed(first + tried++, options).violations.map(({ rule }) => rule);
    if (rules.length > 0) found++;
    most = Math.max(most, tried);
    const outcome =
      rules.length > 0 ? `after ${tried} seeds: ${[...new Set(rules)].join(', ')}` : `NOT in ${tried} seeds`;
    console.log(`${bug}: ${outcome}`);
  }
  console.log(`${found} of ${bugs.length} planted bugs found, each within ${most} seeds`);
  if (record) recordEvidence('sim', { suite: 'planted-bugs', found, planted: bugs.length, seedsMost: most });
  return found === bugs.length;
}
