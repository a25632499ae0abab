import { Actors } from '../core/actors.ts';
import { Background } from '../core/background.ts';
import { ClientLoad } from '../core/client-load.ts';
import { Desk } from '../core/desk.ts';
import { Fences } from '../core/fences.ts';
import { Hints } from '../core/hints.ts';
import { LocalRecords } from '../core/local-records.ts';
import { PeerView } from '../core/membership/peer-view.ts';
import { MerkleTrees } from '../core/merkle-trees.ts';
import type { ReplicaContext } from '../core/replica-context.ts';
import { Standings } from '../core/standings.ts';
import type { NodeDescription } from '../core/topology.ts';
import { WriteClock } from '../core/write-clock.ts';

/** What the parts of a verified node share, without the node around it: for tests of one part. It holds no record. */
export function loneContext({ self, topology }: Pick<ReplicaContext, 'self' | 'topology'>): ReplicaContext {
  const desk = new Desk();
  const planted = (): boolean => false;
  const nothing = (): void => {};
  const records = new LocalRecords(desk, { damaged: nothing, changed: nothing, deviceFailed: nothing }, planted, 0);
  const standings = new Standings();
  standings.verify();
  const load = new ClientLoad();
  const background = new Background(desk, () => load.most);
  const trees = new MerkleTrees(
    desk,
    background,
    { partitionBits: () => topology().partitionBits, watch: () => nothing, met: nothing },
    planted,
  );
  const parts = { desk, records, standings, actors: new Actors(() => 0.5), background, load, trees, planted };
  const shared = { ...parts, peers: new PeerView(), fences: new Fences(() => 0.5), clock: new WriteClock(desk) };
  const context = { self, ...shared, topology, wallMs: () => 0 };
  return { ...context, hints: new Hints(context, (then) => then()) };
}

/** A node on a host of its own. */
export function describeNode(id: string): NodeDescription {
  return { id, host: id, zone: 'z', weight: 1, rpc: `${id}:1`, fabric: `${id}:2` };
}
