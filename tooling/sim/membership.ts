import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type MembershipFigures, measureMembership } from '@ferrite/replication/testing';
import { plotMembership } from './membership-plot.ts';
import type { MembershipRow } from './membership-row.ts';

/** Sizes of the simulated clusters, and how many seeds of each are worth their time. */
const SIZES: readonly { readonly nodes: number; readonly seeds: number }[] = [
  { nodes: 3, seeds: 200 },
  { nodes: 10, seeds: 100 },
  { nodes: 30, seeds: 50 },
  { nodes: 100, seeds: 20 },
  { nodes: 300, seeds: 5 },
  { nodes: 1_000, seeds: 2 },
];

const { values } = parseArgs({
  options: { json: { type: 'string' }, svg: { type: 'string' }, 'nodes-max': { type: 'string', default: '1000' } },
});
const nodesMax = Number(values['nodes-max']);
if (!(nodesMax >= 3)) {
  console.error('usage: node tooling/sim/membership.ts [--nodes-max N] [--json FILE] [--svg FILE], N at least 3');
  process.exit(2);
}

const rows: MembershipRow[] = [];
for (const { nodes, seeds } of SIZES.filter((size) => size.nodes <= nodesMax)) {
  const row = summary(Array.from({ length: seeds }, (_, at) => measureMembership(nodes, at + 1)));
  rows.push(row);
  const { detectionMs, convergenceMs, messagesPerPeriod, falseDeaths } = row;
  console.log(
    `${nodes} nodes, ${seeds} seeds: ${messagesPerPeriod.toFixed(2)} messages per node and period; a kill is known to all ` +
      `after ${whole(detectionMs.median)} ms (at most ${whole(detectionMs.most)}), a start after ` +
      `${whole(convergenceMs.median)} ms (${whole(convergenceMs.most)}); ${falseDeaths} false deaths`,
  );
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ suite: 'membership', rows }, undefined, 2)}\n`);
if (values.svg !== undefined) writeFileSync(values.svg, plotMembership(rows));

function summary(runs: readonly MembershipFigures[]): MembershipRow {
  const sorted = (of: (run: MembershipFigures) => number): number[] => runs.map(of).sort((a, b) => a - b);
  const spread = (of: (run: MembershipFigures) => number): { median: number; most: number } => {
    const all = sorted(of);
    return { median: all[all.length >> 1]!, most: all.at(-1)! };
  };
  return {
    nodes: runs[0]!.nodes,
    seeds: runs.length,
    messagesPerPeriod: spread((run) => run.messagesPerPeriod).median,
    messagesPerPeriodInChange: spread((run) => run.messagesPerPeriodInChange).median,
    detectionMs: spread((run) => run.detectionMs),
    convergenceMs: spread((run) => run.convergenceMs),
    falseDeaths: runs.reduce((sum, run) => sum + run.falseDeaths, 0),
  };
}

function whole(ms: number): string {
  return ms.toFixed(0);
}
