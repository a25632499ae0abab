// What long runs have shown, one line of JSON each: SUITE.jsonl beside this file.
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/** Appends a line to `SUITE.jsonl` with the commit it was seen at. Throws where there is no repository. */
export function recordEvidence(suite: string, figures: Readonly<Record<string, number | string>>): void {
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  appendFileSync(new URL(`${suite}.jsonl`, import.meta.url), `${JSON.stringify({ commit, ...figures })}\n`);
}
