import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ActorId, actorIdFromRandom } from './actor-id.ts';
import { type CausalContext, contains, contextOf, emptyContext, join } from './causal-context.ts';
import { compareDots } from './dot.ts';
import { emptyRecord, mergeRecords, type RecordState, recordsEqual, subsumes, writeRecord } from './record-state.ts';
import { dotName, dotNames, FEW_ACTORS, type HistoryEvent, HistoryModel, recordStates } from './testing/index.ts';

describe('records form a lattice under merge', () => {
  it('commutativity: merge(a, b) = merge(b, a)', () => {
    fc.assert(
      fc.property(recordStates(), recordStates(), (a, b) => {
        expect(mergeRecords(a, b)).toEqual(mergeRecords(b, a));
      }),
    );
  });

  it('associativity: merge(merge(a, b), c) = merge(a, merge(b, c))', () => {
    fc.assert(
      fc.property(recordStates(), recordStates(), recordStates(), (a, b, c) => {
        expect(mergeRecords(mergeRecords(a, b), c)).toEqual(mergeRecords(a, mergeRecords(b, c)));
      }),
      { numRuns: 300 },
    );
  });

  it('idempotence and identity: merge(a, a) = a = merge(a, empty)', () => {
    fc.assert(
      fc.property(recordStates(), (a) => {
        expect(mergeRecords(a, { ...a, siblings: [...a.siblings] })).toEqual(a);
        expect(mergeRecords<string>(a, emptyRecord)).toEqual(a);
      }),
    );
  });

  it('absorption: merge(a, b) subsumes a and b, and subsumes(a, b) means merge(a, b) = a', () => {
    fc.assert(
      fc.property(recordStates(), recordStates(), (a, b) => {
        const merged = mergeRecords(a, b);
        expect(subsumes(merged, a) && subsumes(merged, b)).toBe(true);
        expect(subsumes(a, b)).toBe(recordsEqual(merged, a));
        expect(mergeRecords(a, b) === a).toBe(subsumes(a, b));
      }),
    );
  });

  it('well-formedness: siblings stay covered by the context and ascend by dot', () => {
    fc.assert(
      fc.property(recordStates(), recordStates(), (a, b) => {
        const { context, siblings } = mergeRecords(a, b);
        expect(siblings.every(({ dot }) => contains(context, dot))).toBe(true);
        expect(siblings.every(({ dot }, at) => at === 0 || compareDots(siblings[at - 1]!.dot, dot) < 0)).toBe(true);
      }),
    );
  });
});

const REPLICAS = 3;

type Step =
  | { readonly kind: 'put' | 'delete'; readonly replica: number; readonly context: number }
  | { readonly kind: 'read'; readonly replica: number; readonly returned: number }
  | { readonly kind: 'deliver'; readonly replica: number; readonly write: number }
  | { readonly kind: 'merge'; readonly replica: number; readonly from: number }
  | { readonly kind: 'reborn'; readonly replica: number };

const replica = fc.nat(REPLICAS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('put', 'put', 'delete'), replica, context: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read'), replica, returned: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deliver'), replica, write: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('merge'), replica, from: replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reborn'), replica }) },
);

/** Replicas, clients and messages of one key, run beside the model of the same history. */
class Run {
  readonly model = new HistoryModel(REPLICAS);
  readonly states: RecordState<string>[] = Array.from({ length: REPLICAS }, () => emptyRecord);
  readonly #actors: ActorId[] = FEW_ACTORS.slice(0, REPLICAS);
  /** Contexts that clients hold; the first is that of a blind write. */
  readonly #contexts: CausalContext[] = [emptyContext];
  readonly #writes: { readonly event: HistoryEvent; readonly delta: RecordState<string> }[] = [];
  #seed = 1;

  /** Takes one step; for a write, gives what its answer covers and what it ought to. */
  take(next: Step): readonly [ReadonlySet<string>, ReadonlySet<string>] | undefined {
    const stored = this.states[next.replica]!;
    switch (next.kind) {
      case 'put':
      case 'delete': {
        const actor = this.#actors[next.replica]!;
        const context = this.#contexts[next.context % this.#contexts.length]!;
        const event = this.model.write(next.replica, actor, dotNames(context), next.kind === 'delete');
        const value = next.kind === 'delete' ? undefined : dotName(event.dot);
        const outcome = writeRecord(stored, { actor, context, value });
        this.states[next.replica] = outcome.state;
        this.#contexts.push(outcome.responseContext);
        this.#writes.push({ event, delta: outcome.delta });
        return [dotNames(outcome.responseContext), new Set([...event.seen, dotName(event.dot)])];
      }
      case 'read': {
        // A whole answer covers the record; one cut short covers what it returns (P5).
        const some = stored.siblings.slice(0, next.returned).map(({ dot }) => dot);
        this.#contexts.push(some.length < stored.siblings.length ? contextOf(some) : stored.context);
        break;
      }
      case 'deliver': {
        const sent = this.#writes[next.write % Math.max(1, this.#writes.length)];
        if (sent === undefined) break;
        this.model.deliver(sent.event, next.replica);
        this.states[next.replica] = mergeRecords(stored, sent.delta);
        break;
      }
      case 'merge':
        this.model.merge(next.from, next.replica);
        this.states[next.replica] = mergeRecords(stored, this.states[next.from]!);
        break;
      case 'reborn': {
        this.#actors[next.replica] = actorIdFromRandom(() => (this.#seed++ % 1000) / 1000);
      }
    }
    return undefined;
  }
}

describe('records agree with the history of their writes', () => {
  it('every replica knows and holds exactly what the writes it heard of say', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const run = new Run();
        for (const next of steps) {
          const [covered, due] = run.take(next) ?? [];
          expect(covered).toEqual(due);
          const state = run.states[next.replica]!;
          expect(dotNames(state.context)).toEqual(run.model.covered(next.replica));
          expect(new Set(state.siblings.map(({ value }) => value))).toEqual(run.model.living(next.replica));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('replicas that heard of the same writes, in any order and any number of times, are equal', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.nat(REPLICAS - 1)), (steps, order) => {
        const run = new Run();
        for (const next of steps) run.take(next);
        const whole = run.states.reduce(mergeRecords);
        let gossip: RecordState<string> = emptyRecord;
        for (const from of order.take(7)) gossip = mergeRecords(gossip, run.states[from]!);
        for (const state of run.states) gossip = mergeRecords(state, gossip);
        expect(gossip).toEqual(whole);
        expect(join(gossip.context, whole.context)).toEqual(whole.context);
      }),
    );
  });
});
