import { PERIOD_MS } from '../../core/membership/limits.ts';
import { Prng } from '../prng.ts';
import { SimMembers } from './sim-members.ts';

/** What a cluster of that size does; times in milliseconds of virtual time. */
export interface MembershipFigures {
  readonly nodes: number;
  /** Messages that a node sends in a probe period when nothing happens, and claims in them. */
  readonly messagesPerPeriod: number;
  readonly claimsPerPeriod: number;
  /** From the kill of a node until the first, and until all others hold it for dead. */
  readonly firstDetectionMs: number;
  readonly detectionMs: number;
  /** From its next start until all others hold it for alive in the new boot. */
  readonly convergenceMs: number;
  /** Messages that a node sends in a period while that spreads. */
  readonly messagesPerPeriodInChange: number;
  readonly falseDeaths: number;
}

const WARM_UP_MS = 5_000;
const STEADY_MS = 10_000;
const GIVE_UP_MS = 20_000;
const STEP_MS = 10;

/** Kills one node of an idle cluster of `nodes` and starts it again. `falseDeaths` counts reports of any other death. */
export function measureMembership(nodes: number, seed: number): MembershipFigures {
  const prng = new Prng(seed, 'measure');
  const victim = prng.int(nodes);
  const dead = new Map<number, number>();
  const back = new Map<number, number>();
  let falseDeaths = 0;
  const sim = new SimMembers(seed, nodes, ({ observer, subject, claim, atMs }) => {
    if (subject !== victim) falseDeaths += Number(claim.state === 'dead');
    else if (claim.state === 'dead') dead.set(observer, atMs);
    else if (claim.state === 'alive' && claim.boot === 2) back.set(observer, atMs);
  });
  const perPeriod = (count: number, ms: number): number => count / nodes / (ms / PERIOD_MS);
  const until = (all: ReadonlyMap<number, number>): number => {
    const start = sim.timeline.now;
    while (all.size < nodes - 1 && sim.timeline.now - start < GIVE_UP_MS) sim.run(STEP_MS);
    return sim.timeline.now - start;
  };

  sim.run(WARM_UP_MS + prng.between(0, PERIOD_MS));
  sim.resetCounters();
  sim.run(STEADY_MS);
  const { messages, claims } = sim.counters;

  const killedAt = sim.timeline.now;
  sim.kill(victim);
  sim.resetCounters();
  const changedMs = until(dead);
  const inChange = sim.counters.messages;
  const deaths = [...dead.values()].map((atMs) => atMs - killedAt);

  sim.restart(victim);
  const restartedAt = sim.timeline.now;
  until(back);
  return {
    nodes,
    messagesPerPeriod: perPeriod(messages, STEADY_MS),
    claimsPerPeriod: perPeriod(claims, STEADY_MS),
    firstDetectionMs: Math.min(...deaths),
    detectionMs: dead.size === nodes - 1 ? Math.max(...deaths) : Number.POSITIVE_INFINITY,
    convergenceMs: back.size === nodes - 1 ? Math.max(...back.values()) - restartedAt : Number.POSITIVE_INFINITY,
    messagesPerPeriodInChange: perPeriod(inChange, changedMs),
    falseDeaths,
  };
}
