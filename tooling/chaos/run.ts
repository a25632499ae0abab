// npm run chaos: real processes under load and faults. See USAGE.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { openClient } from '@ferrite/client';
import { startLocalCluster } from '../../apps/node-server/test/local-cluster.ts';
import { Prng } from '../../packages/replication/src/testing/prng.ts';
import { recordEvidence } from '../evidence/record.ts';
import { Load } from './load.ts';
import { runMeasure } from './measure.ts';
import { Nemesis } from './nemesis.ts';
import { type ChaosCommand, parseCommand, USAGE } from './options.ts';
import { untilRootsEqual } from './replica-roots.ts';
import { openEtcd, StoreOutage } from './store-outage.ts';

const IMAGE_MIB = 1024;
const PROGRESS_EVERY_MS = 5_000;
const EQUAL_WITHIN_MS = 60_000;
const SHOWN_MAX = 20;

function parse(): ChaosCommand {
  try {
    const parsed = parseCommand(process.argv.slice(2));
    if (parsed !== undefined) return parsed;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const command = parse();
const startedAt = performance.now();
const seconds = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
const say = (line: string): void => console.log(`${seconds().toFixed(1).padStart(7)} s  ${line}`);

if (command.measure !== undefined) {
  const { figures, violations } = await runMeasure(command.measure, command, say);
  console.log(JSON.stringify(figures, null, 2));
  for (const violation of violations.slice(0, SHOWN_MAX)) console.error(violation);
  if (command.json !== undefined) writeFileSync(command.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (command.record) recordEvidence('chaos', figures);
  process.exit(violations.length === 0 ? 0 : 1);
}

await using etcd = command.faults.includes('store') ? await openEtcd() : undefined;
await using cluster = await startLocalCluster({
  nodes: command.nodes,
  sizeMiB: IMAGE_MIB,
  built: true,
  ...(etcd && { topology: `etcd:${etcd.url}/ferrite` }),
});
await using client = await openClient({ servers: cluster.nodes.map(({ url }) => url) });
const load = new Load(client, new Prng(command.seed, 'load'), command.keys);
const nemesis = new Nemesis(cluster.nodes, new Prng(command.seed, 'nemesis'), {
  faults: command.faults,
  say,
  onKill: () => load.noteKill(),
});
const outage = etcd && new StoreOutage(etcd, client, { awayMs: command.awaySeconds * 1000, say });
say(
  `${command.nodes} nodes, ${command.rate} operations a second over ${command.keys} keys, faults: ${command.faults.join(', ') || 'none'}`,
);

const progress = setInterval(() => {
  say(
    `${load.operations} operations, ${load.failed} failed, ${nemesis.total} faults, ${load.violations.length} violations`,
  );
}, PROGRESS_EVERY_MS);
// Clients go on until the last fault is over.
const time = AbortSignal.timeout(command.minutes * 60_000);
const healed = new AbortController();
const faults = Promise.all([once(time, 'abort'), nemesis.run(time), outage?.run(time)]);
await Promise.all([load.run(command.rate, healed.signal), faults.finally(() => healed.abort())]);
load.violations.push(...(outage?.violations ?? []));
clearInterval(progress);
const seconds0 = seconds();

say('the last fault is healed; waiting until every node serves and all replicas are equal');
await Promise.all(cluster.nodes.map((node) => node.serving()));
const equalMs = await untilRootsEqual(client, EQUAL_WITHIN_MS);
if (equalMs === undefined)
  load.violations.push(`replicas still differ ${EQUAL_WITHIN_MS / 1000} s after the last fault`);
const failedUnderFaults = load.failed;
const operationsUnderFaults = load.operations;
await load.readAll();
if (load.failed > failedUnderFaults) load.violations.push('a key could not be read in the end');

const milli = (us: number): number => Math.round(us) / 1_000;
const summary = {
  nodes: command.nodes,
  minutes: command.minutes,
  seed: command.seed,
  ops: operationsUnderFaults,
  opsPerSecond: Math.round(operationsUnderFaults / seconds0),
  errors: failedUnderFaults,
  errorShare: failedUnderFaults / operationsUnderFaults,
  errorsByReason: Object.fromEntries(load.errors),
  skipped: load.skipped,
  faults: nemesis.total,
  faultsByKind: Object.fromEntries(nemesis.counts),
  storeAway: outage?.count ?? 0,
  p50Ms: milli(load.latencies.quantileUs(0.5)),
  p99Ms: milli(load.latencies.quantileUs(0.99)),
  p99AfterKillMs: milli(load.afterKill.quantileUs(0.99)),
  siblingsAfterDoubt: load.siblings,
  lateAttemptsSeen: load.late,
  equalAfterMs: equalMs === undefined ? null : Math.round(equalMs),
  violations: load.violations.length,
  seconds: seconds(),
};
console.log(JSON.stringify(summary, null, 2));
for (const violation of load.violations.slice(0, SHOWN_MAX)) console.error(violation);
if (command.json !== undefined) writeFileSync(command.json, `${JSON.stringify(summary, null, 2)}\n`);
if (command.record) {
  const { nodes, minutes, seed, ops, errors, faults, storeAway, p99Ms, p99AfterKillMs, violations } = summary;
  recordEvidence('chaos', {
    nodes,
    minutes,
    seed,
    ops,
    errors,
    faults,
    ...(outage && { storeAway, storeAwaySeconds: command.awaySeconds }),
    p99Ms,
    p99AfterKillMs,
    violations,
    seconds: summary.seconds,
  });
}
process.exitCode = load.violations.length === 0 ? 0 : 1;
