import { CONFIRMATIONS_MAX, PERIOD_MS, SUSPICION_MAX_MS, SUSPICION_MIN_MS } from '../../core/membership/limits.ts';
import type { MembershipMutation } from '../../core/membership/mutation.ts';
import { Prng } from '../prng.ts';
import { type Sighting, SimMembers } from './sim-members.ts';

/** What befalls the nodes in one run. */
export type MembershipPreset =
  /** One node dies for good; duplicates that come late are about. */
  | 'kill'
  /** Nodes die and are started again at once, among late duplicates. */
  | 'restarts'
  /** Each node pauses now and then, for as long as a suspicion lasts at least. */
  | 'pauses'
  /** One node pauses for seconds: it may be held for dead, but must not hold others for dead when it wakes. */
  | 'long-pause'
  /** One node hears nothing for a while, though everybody hears it. */
  | 'deaf'
  /** One node reads what it receives later and later. */
  | 'fading'
  /** Some messages are lost, and one pair of nodes cannot talk directly. */
  | 'loss'
  /** The cluster falls into two parts and is joined again. */
  | 'partition';

export const MEMBERSHIP_PRESETS: readonly MembershipPreset[] = [
  'kill',
  'restarts',
  'pauses',
  'long-pause',
  'deaf',
  'fading',
  'loss',
  'partition',
];

/** A killed node must be held for dead by all others within this time. */
export const DETECTION_MS_MAX = 2_000;

/** Calm after which all must agree. */
const CALM_MS = 10_000;
const WARM_UP_MS = 3_000;

/** A node that reads what it receives so much later still refutes in time. */
const SLOW_MS_MAX = SUSPICION_MIN_MS - PERIOD_MS - 50;

/** Messages that a node sends in a period, when nothing happens. */
const LOAD_MAX = 3;

export interface MembershipRun {
  readonly violations: readonly string[];
  readonly events: number;
  readonly hash: string;
}

export interface MembershipRunOptions {
  readonly preset?: MembershipPreset;
  readonly nodes?: number;
  readonly mutations?: readonly MembershipMutation[];
}

interface Stage {
  readonly sim: SimMembers;
  readonly prng: Prng;
  readonly count: number;
  readonly violations: string[];
  /** Reports of death that are no mistake, besides those of nodes that are down. */
  excused: (sighting: Sighting) => boolean;
  /** Sees every report. */
  watch: (sighting: Sighting) => void;
  /** Suspicions of nodes that were well. */
  suspicions: number;
}

/** Plays one seed of one preset and judges what the nodes reported. */
export function runMembership(seed: number, options: MembershipRunOptions = {}): MembershipRun {
  const prng = new Prng(seed, 'membership');
  const preset = options.preset ?? MEMBERSHIP_PRESETS[seed % MEMBERSHIP_PRESETS.length]!;
  const count = options.nodes ?? prng.pick([3, 3, 4, 5, 5, 7, 10, 16]);
  const violations: string[] = [];
  const sim = new SimMembers(seed, count, (sighting) => judge(stage, sighting), options.mutations);
  const stage: Stage = { sim, prng, count, violations, excused: () => false, watch: () => {}, suspicions: 0 };
  sim.run(WARM_UP_MS);
  PLAYS[preset](stage);
  calm(stage);
  return { violations, events: sim.timeline.events, hash: sim.hash };
}

function judge(stage: Stage, sighting: Sighting): void {
  stage.watch(sighting);
  const { observer, subject, claim, atMs } = sighting;
  const { up, boot } = stage.sim.members[subject]!;
  if (!up || claim.boot < boot) return;
  if (claim.state === 'suspect' && claim.by === `n${observer + 1}`) stage.suspicions++;
  if (claim.state !== 'dead' || stage.excused(sighting)) return;
  stage.violations.push(`false death: n${observer + 1} held n${subject + 1} for dead at ${Math.round(atMs)} ms`);
}

const PLAYS: Readonly<Record<MembershipPreset, (stage: Stage) => void>> = {
  kill(stage) {
    const { sim, prng, count } = stage;
    sim.weather.duplicates = 0.2;
    sim.weather.lateMs = PERIOD_MS;
    sim.run(prng.between(0, 2_000));
    const victim = prng.int(count);
    sim.kill(victim);
    const others = othersThan(stage, victim);
    // Somebody notices by a failed request, as in a cluster that works.
    if (prng.chance(0.5)) sim.doubt(prng.pick(others), victim);
    const suspectedAtMs = new Map<number, number>();
    stage.watch = ({ observer, subject, claim, atMs }) => {
      if (subject !== victim) return;
      if (claim.state === 'suspect') suspectedAtMs.set(observer, atMs);
      const waitedMs = atMs - (suspectedAtMs.get(observer) ?? atMs);
      const dueMs = shortestWaitMs(count - 2, sim.accusersOf(claim) - 1);
      if (claim.state === 'dead' && waitedMs < dueMs)
        stage.violations.push(`hasty: n${observer + 1} waited ${waitedMs} ms, ${dueMs} were due`);
    };
    sim.run(DETECTION_MS_MAX);
    for (const observer of others) {
      const state = sim.view(observer).get(victim)?.state;
      if (state !== 'dead') stage.violations.push(`late: n${observer + 1} held n${victim + 1} for ${state} after 2 s`);
    }
  },

  restarts(stage) {
    const { sim, prng, count } = stage;
    sim.weather.duplicates = 0.3;
    sim.weather.lateMs = 3_000;
    for (let turn = 0; turn < 8; turn++) {
      const victim = prng.int(count);
      sim.kill(victim);
      sim.run(prng.between(0, 3_000));
      sim.restart(victim);
      sim.run(prng.between(500, 3_000));
    }
  },

  pauses(stage) {
    const { sim, prng, count } = stage;
    for (let turn = 0; turn < 20; turn++) {
      // The bound: a suspicion that begins during a pause must outlast it.
      const forMs = prng.between(100, SUSPICION_MIN_MS);
      sim.pause(prng.int(count), forMs);
      sim.run(forMs + prng.between(300, 1_500));
    }
  },

  'long-pause'(stage) {
    const { sim, prng, count } = stage;
    for (let turn = 0; turn < 4; turn++) {
      const sleeper = prng.int(count);
      // It suspects another when it falls asleep, and the other refutes meanwhile.
      const other = prng.pick(othersThan(stage, sleeper));
      sim.pause(other, SUSPICION_MIN_MS);
      sim.run(SUSPICION_MIN_MS - 50);
      const forMs = prng.between(1_000, 6_000);
      const end = sim.timeline.now + forMs + 2_000;
      stage.excused = ({ subject, atMs }) => subject === sleeper && atMs < end;
      sim.pause(sleeper, forMs);
      sim.run(forMs + 4_000);
    }
  },

  deaf(stage) {
    const { sim, prng, count } = stage;
    for (let turn = 0; turn < 6; turn++) {
      const deaf = prng.int(count);
      sim.weather.blocked = (_, to) => to === deaf;
      // Alone with its accusations, it must wait for the longest time. It answers nobody, so others may give it up.
      const end = sim.timeline.now + SUSPICION_MAX_MS + 2_000;
      stage.excused = ({ subject, atMs }) => subject === deaf && atMs < end;
      sim.run(prng.between(600, SUSPICION_MAX_MS - PERIOD_MS));
      sim.weather.blocked = () => false;
      sim.run(6_000);
    }
  },

  fading(stage) {
    const { sim, prng, count } = stage;
    const faded = prng.int(count);
    for (let slowMs = 0; slowMs <= SLOW_MS_MAX; slowMs += 15) {
      sim.members[faded]!.slowMs = slowMs;
      sim.run(1_000);
    }
    // What it misses is its own fault, and it must not accuse the others of it without end.
    let accusations = 0;
    stage.watch = ({ observer, claim }) => {
      if (claim.state === 'suspect' && observer === faded && claim.by === `n${faded + 1}`) accusations++;
    };
    sim.run(20_000);
    const most = 10;
    if (accusations > most) stage.violations.push(`${accusations} accusations in 20 s, at most ${most}`);
    sim.members[faded]!.slowMs = 0;
  },

  loss(stage) {
    const { sim, prng, count } = stage;
    sim.weather.loss = prng.between(0, 0.1);
    const one = prng.int(count);
    const other = prng.pick(othersThan(stage, one));
    sim.weather.blocked = (from, to) => (from === one && to === other) || (from === other && to === one);
    stage.suspicions = 0;
    sim.run(20_000);
    // The pair is probed through others; only what is lost twice over ends in suspicion.
    const most = 10 + sim.weather.loss * 100 * count * count;
    if (stage.suspicions > most) stage.violations.push(`${stage.suspicions} suspicions in 20 s, at most ${most}`);
  },

  partition(stage) {
    const { sim, prng, count } = stage;
    const side = Array.from({ length: count }, () => prng.chance(0.5));
    side[0] = !side[1];
    const apart = (a: number, b: number): boolean => side[a] !== side[b];
    sim.weather.blocked = apart;
    const forMs = prng.between(1_000, 12_000);
    const end = sim.timeline.now + forMs + 2_000;
    stage.excused = ({ observer, subject, atMs }) => apart(observer, subject) && atMs < end;
    sim.run(forMs);
    sim.weather.blocked = () => false;
    sim.run(2_000);
  },
};

/** No more faults: everybody comes to hold the truth about everybody, and the load is constant. */
function calm(stage: Stage): void {
  const { sim, count, violations } = stage;
  Object.assign(sim.weather, { loss: 0, duplicates: 0, lateMs: 0, blocked: () => false });
  sim.run(CALM_MS);
  for (let observer = 0; observer < count; observer++) {
    if (!sim.members[observer]!.up) continue;
    for (const [subject, { state, boot }] of sim.view(observer)) {
      const member = sim.members[subject]!;
      const right = member.up ? state === 'alive' && boot === member.boot : state === 'dead';
      if (!right) violations.push(`not converged: n${observer + 1} holds n${subject + 1} for ${state} in boot ${boot}`);
    }
  }
  sim.resetCounters();
  const up = sim.members.filter((member) => member.up).length;
  sim.run(CALM_MS);
  const load = sim.counters.messages / up / (CALM_MS / PERIOD_MS);
  if (load > LOAD_MAX) violations.push(`load: ${load.toFixed(2)} messages per node and period, at most ${LOAD_MAX}`);
}

/** What Lifeguard asks of a suspicion with so many independent confirmations, of `possible` ones. */
function shortestWaitMs(possible: number, confirmations: number): number {
  const wanted = Math.min(CONFIRMATIONS_MAX, possible);
  if (wanted === 0 || confirmations >= wanted) return SUSPICION_MIN_MS;
  const shrunk = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return SUSPICION_MAX_MS - (SUSPICION_MAX_MS - SUSPICION_MIN_MS) * shrunk;
}

function othersThan({ count }: Stage, except: number): number[] {
  return Array.from({ length: count }, (_, at) => at).filter((at) => at !== except);
}
