import type { Liveness } from '../core/membership/claim.ts';
import type { Prng } from './prng.ts';
import type { SimNode } from './sim-node.ts';
import type { Timeline } from './timeline.ts';

const STATES: readonly Liveness[] = ['alive', 'suspect', 'dead'];

/** Pause between two rumours, in virtual milliseconds. */
const EVERY_MS = 150;

/**
 * Tells nodes things about each other that have nothing to do with the truth, for as long as the run lasts: whom a node
 * asks first may follow from what membership reports, but no promise may depend on it (INV-SWIM-7).
 */
export function spreadFalseRumours(members: () => readonly SimNode[], timeline: Timeline, prng: Prng): void {
  timeline.after(prng.between(0, 2 * EVERY_MS), () => {
    const nodes = members();
    const [listener, subject] = [prng.pick(nodes), prng.pick(nodes)];
    if (listener !== subject) listener.hearOf(subject.id, prng.pick(STATES));
    spreadFalseRumours(members, timeline, prng);
  });
}
