import { Prng } from '../prng.ts';
import { SimMembers } from './sim-members.ts';

/** Processes of one cluster are started within this time of each other. */
const STARTS_MS = 3_000;
const GIVE_UP_MS = 15_000;

/**
 * Starts `nodes` nodes one after the other and kills one soon after the last start. Milliseconds of virtual time from the
 * kill until all others hold it for dead; infinite if that does not happen.
 */
export function measureEarlyKill(nodes: number, seed: number): number {
  const prng = new Prng(seed, 'early kill');
  const victim = prng.int(nodes);
  const dead = new Map<number, number>();
  let killedAt = Number.POSITIVE_INFINITY;
  const sim = new SimMembers(seed, nodes, ({ observer, subject, claim, atMs }) => {
    if (subject === victim && claim.state === 'dead' && atMs > killedAt) dead.set(observer, atMs - killedAt);
  });
  for (let at = 1; at < nodes; at++) sim.kill(at);
  const starts = Array.from({ length: nodes - 1 }, (_, at) => ({ node: at + 1, atMs: prng.between(0, STARTS_MS) }));
  for (const { node, atMs } of starts.sort((a, b) => a.atMs - b.atMs)) {
    sim.run(atMs - sim.timeline.now);
    sim.restart(node);
  }
  sim.run(prng.between(500, 2_000));
  killedAt = sim.timeline.now;
  sim.kill(victim);
  if (prng.chance(0.7)) sim.doubt((victim + 1) % nodes, victim);
  sim.run(GIVE_UP_MS);
  return dead.size === nodes - 1 ? Math.max(...dead.values()) : Number.POSITIVE_INFINITY;
}
