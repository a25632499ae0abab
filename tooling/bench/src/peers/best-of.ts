import { median } from '../statistics.ts';
import type { Figure, Peer } from '../suite.ts';

/**
 * Whichever of these peers is fastest: every turn measures each of them, and compares with the best of that turn. What
 * each of them reached stands in `config`. One that is missing leaves no comparison, since it might have been the best.
 */
export function bestOf(peers: readonly Peer[]): Peer {
  const missing = peers.flatMap((peer) => ('missing' in peer ? [peer.missing] : []));
  if (missing.length > 0) return { missing: missing.join('; ') };
  const sides = peers.flatMap((peer) => ('missing' in peer ? [] : [{ ...peer, rates: [] as number[] }]));
  return {
    name: `best of ${sides.map((side) => side.name).join(', ')}`,
    get config() {
      return sides
        .map(({ name, config, rates }) => `${name} ${Math.round(median(rates)).toLocaleString('en-US')}/s (${config})`)
        .join('; ');
    },
    async measure(seconds) {
      const figures: Figure[] = [];
      for (const side of sides) {
        const figure = await side.measure(seconds);
        side.rates.push(figure.rate);
        figures.push(figure);
      }
      return figures.reduce((best, figure) => (figure.rate > best.rate ? figure : best));
    },
  };
}
