import { evenBounds, type Fleet } from './spread.ts';

/**
 * How many replicas each node ought to hold: in proportion to weight, as far as the spread over zones and hosts leaves a
 * choice. (With three zones and three replicas each zone holds every partition once, whatever its weight.)
 */
export function sharesOf(fleet: Fleet, partitions: number, replicas: number): readonly number[] {
  const weights = fleet.nodes.map((node) => node.weight);
  const nodes = weights.map((_, node) => node);
  const hosts = fleet.hostSizes.map((_, host) => host);
  const hostWeights = hosts.map((host) =>
    sum(nodes.filter((node) => fleet.hostOf[node] === host).map((n) => weights[n]!)),
  );
  const zoneWeights = fleet.zoneSizes.map((_, zone) =>
    sum(hosts.filter((host) => fleet.zoneOfHost[host] === zone).map((host) => hostWeights[host]!)),
  );

  const shares = nodes.map(() => 0);
  const perZone = divide(partitions * replicas, partitions, zoneWeights, fleet.zoneSizes);
  perZone.forEach((zoneShare, zone) => {
    const hostsHere = hosts.filter((host) => fleet.zoneOfHost[host] === zone);
    const perHost = divide(zoneShare, partitions, pick(hostWeights, hostsHere), pick(fleet.hostSizes, hostsHere));
    hostsHere.forEach((host, at) => {
      const nodesHere = nodes.filter((node) => fleet.hostOf[node] === host);
      const ones = nodesHere.map(() => 1);
      const perNode = divide(perHost[at]!, partitions, pick(weights, nodesHere), ones);
      nodesHere.forEach((node, place) => {
        shares[node] = perNode[place]!;
      });
    });
  });
  return shares;
}

/**
 * Divides `total` replicas of `partitions` partitions over groups by weight, each within what an even spread allows it.
 * Some partitions have one copy more than others here; the bounds are those of the mixture.
 */
function divide(
  total: number,
  partitions: number,
  weights: readonly number[],
  sizes: readonly number[],
): readonly number[] {
  const copies = Math.floor(total / partitions + 1e-9);
  const withMore = Math.max(0, total - copies * partitions);
  const fewer = evenBounds(copies, sizes);
  const more = evenBounds(copies + 1, sizes);
  const mix = (low: number, high: number): number => low * (partitions - withMore) + high * withMore;
  const least = sizes.map((_, at) => mix(fewer.least[at]!, more.least[at]!));
  const most = sizes.map((_, at) => mix(fewer.most[at]!, more.most[at]!));
  const at = (factor: number): number[] =>
    weights.map((weight, group) => Math.min(most[group]!, Math.max(least[group]!, weight * factor)));

  // The sum grows with the factor: bisect for the total.
  let low = 0;
  let high = (partitions * (copies + 2)) / Math.min(...weights);
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (sum(at(middle)) < total) low = middle;
    else high = middle;
  }
  return at(high);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function pick(values: readonly number[], places: readonly number[]): readonly number[] {
  return places.map((place) => values[place]!);
}
