import { type CausalContext, descends } from '@ferrite/vector-clock';

/** Something that everything begun after it ended must know of. */
export interface Requirement<T> {
  readonly endedAt: number;
  readonly context: CausalContext;
  readonly source: T;
}

/** Something that must know of all requirements that ended before it began. */
export interface Demand<T> {
  readonly startedAt: number;
  readonly context: CausalContext;
  readonly source: T;
}

/** So many recent demands are tried as a floor for the next. */
const FLOORS_MAX = 8;

/**
 * Reports each requirement that a later demand does not descend from. A demand that descends from an earlier one needs to
 * be compared only with what ended since: nearly all do.
 */
export function checkFloor<R, D>(
  requirements: readonly Requirement<R>[],
  demands: readonly Demand<D>[],
  missed: (requirement: Requirement<R>, demand: Demand<D>) => void,
): void {
  const required = [...requirements].sort((a, b) => a.endedAt - b.endedAt);
  const floors: { readonly context: CausalContext; readonly upTo: number }[] = [];
  let upTo = 0;
  for (const demand of [...demands].sort((a, b) => a.startedAt - b.startedAt)) {
    while (upTo < required.length && required[upTo]!.endedAt < demand.startedAt) upTo++;
    const floor = floors.findLast(({ context }) => descends(demand.context, context));
    let holds = true;
    for (let at = floor?.upTo ?? 0; at < upTo; at++) {
      const requirement = required[at]!;
      if (descends(demand.context, requirement.context)) continue;
      holds = false;
      missed(requirement, demand);
    }
    if (!holds) continue;
    floors.push({ context: demand.context, upTo });
    if (floors.length > FLOORS_MAX) floors.shift();
  }
}
