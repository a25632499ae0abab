import { StoreError } from '@ferrite/errors';
import { latin1 } from './bytes.ts';
import { sendRecord } from './fenced-write.ts';
import { forEachBounded } from './for-each-bounded.ts';
import { type LeavesRequest, readLeaves } from './leaves.ts';
import { MERGES_MAX, ROOTS_PARTITIONS_MAX, TRANSFER_TIMEOUT_MS, WALKS_MAX } from './limits.ts';
import { bucketOfNode, differingChildren } from './merkle.ts';
import type { PeerRequest, PeerResponse } from './message.ts';
import type { Place } from './place.ts';
import { decodeVersions, encodeVersions, mergeVersions, type Versions, versionsEqual } from './record.ts';
import { RecordKey } from './record-key.ts';
import type { Leaf, TreeRoot } from './repair-message.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { epochOfAll, keyspaceById, replicasOf } from './replicas.ts';
import { assertCurrent } from './route.ts';
import type { TopologyDocument } from './topology.ts';
import { partitionEpoch } from './topology-moves.ts';

/** How anti-entropy goes on. */
export interface AntiEntropyStatus {
  /** Rounds finished; a round compares every partition with every other replica of it. */
  readonly rounds: number;
  /** Comparisons of the last round that found a difference, and that could not be made. */
  readonly differing: number;
  readonly missed: number;
  /** Records brought up to date here or at a peer. */
  readonly recordsMerged: number;
  /** Why the last round compared less than it should have; empty if it did not. */
  readonly stalled: string;
}

/** One partition of one keyspace, and who is compared with. */
interface Pair {
  readonly peer: string;
  readonly partition: number;
  /** The partition's, as of when the two were both replicas of it (INV-REPL-31). */
  readonly epoch: number;
  readonly keyspaceId: number;
}

/**
 * Makes replicas equal that no read and no hint has made equal: round after round it compares the Merkle roots of every
 * partition with every other replica of it, walks down where they differ, and merges the records that differ, both ways
 * (P1). It runs on members only: what a replica holds that may have been rolled back is told to nobody.
 */
export class AntiEntropy {
  readonly #node: ReplicaContext;
  readonly #everyMs: number;
  #running = false;
  #rounds = 0;
  #differing = 0;
  #missed = 0;
  #recordsMerged = 0;
  #stalled = '';
  #last = { differing: 0, missed: 0, stalled: '' };

  constructor(node: ReplicaContext, everyMs: number) {
    this.#node = node;
    this.#everyMs = everyMs;
  }

  /** Begins the rounds, the first after a pause. Call it when the node is verified. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#roundLater();
  }

  status(): AntiEntropyStatus {
    return { rounds: this.#rounds, ...this.#last, recordsMerged: this.#recordsMerged };
  }

  #round(): void {
    this.#differing = 0;
    this.#missed = 0;
    this.#stalled = '';
    forEachBounded(
      this.#questions(),
      1,
      (question, done) => this.#compare(question, done),
      () => {
        this.#rounds++;
        this.#last = { differing: this.#differing, missed: this.#missed, stalled: this.#stalled };
        this.#roundLater();
      },
    );
  }

  #roundLater(): void {
    this.#node.desk.timer(this.#everyMs, () => this.#round());
  }

  /** For every peer the partitions both have a replica of, in portions. */
  #questions(): readonly { readonly peer: string; readonly partitions: readonly number[] }[] {
    const { self, standings } = this.#node;
    const topology = this.#node.topology();
    const factor = Math.max(0, ...topology.keyspaces.map(({ replicationFactor }) => replicationFactor));
    const own = topology.nodes.findIndex(({ id }) => id === self);
    const shared = new Map<number, number[]>();
    for (const [partition, row] of topology.table.entries()) {
      const replicas = row.slice(0, factor);
      if (!replicas.includes(own) || !standings.isMember(partition)) continue;
      for (const other of replicas) if (other !== own) shared.set(other, [...(shared.get(other) ?? []), partition]);
    }
    return [...shared].flatMap(([other, partitions]) =>
      Array.from({ length: Math.ceil(partitions.length / ROOTS_PARTITIONS_MAX) }, (_, at) => ({
        peer: topology.nodes[other]!.id,
        partitions: partitions.slice(at * ROOTS_PARTITIONS_MAX, (at + 1) * ROOTS_PARTITIONS_MAX),
      })),
    );
  }

  #compare(question: { readonly peer: string; readonly partitions: readonly number[] }, done: () => void): void {
    const { peer, partitions } = question;
    const epoch = epochOfAll(this.#node.topology(), partitions);
    this.#ask(peer, { type: 'roots', epoch, partitions }, 'roots', (response) => {
      if (response === undefined) {
        this.#missed += partitions.length;
        return done();
      }
      const topology = this.#node.topology();
      const differing = response.roots.filter((theirs) => this.#differs(topology, peer, theirs));
      this.#differing += differing.length;
      forEachBounded(
        differing,
        WALKS_MAX,
        ({ partition, keyspaceId }, walked) => {
          const epoch = partitionEpoch(topology, partition);
          this.#walk({ peer, partition, epoch, keyspaceId }, [0], walked);
        },
        done,
      );
    });
  }

  #differs(topology: TopologyDocument, peer: string, { partition, keyspaceId, root }: TreeRoot): boolean {
    const { trees, self } = this.#node;
    const keyspace = keyspaceById(topology, keyspaceId);
    if (keyspace === undefined) return false;
    const replicas = replicasOf(topology, keyspace, partition);
    if (!replicas.includes(self) || !replicas.includes(peer)) return false;
    const tree = trees.ready(partition, keyspaceId);
    return tree !== undefined && tree.root !== root;
  }

  /** Goes down from `open` (numbers of tree nodes) to the buckets that differ. */
  #walk(pair: Pair, open: readonly number[], done: () => void): void {
    const { peer, partition, epoch, keyspaceId } = pair;
    const [node, ...rest] = open;
    if (node === undefined) return done();
    const next = (): void => this.#walk(pair, rest, done);
    const bucket = bucketOfNode(node);
    if (bucket !== undefined) return this.#bucket(pair, bucket, undefined, next);
    this.#ask(peer, { type: 'branch', epoch, partition, keyspaceId, node }, 'branch', (response) => {
      const tree = this.#node.trees.ready(partition, keyspaceId);
      if (response === undefined || response.children.length === 0 || tree === undefined) return done();
      this.#walk(pair, [...differingChildren(tree, node, response.children), ...rest], done);
    });
  }

  /** Merges what differs in a bucket, portion by portion of the peer's leaves. */
  #bucket(pair: Pair, bucket: number, after: Place | undefined, done: () => void): void {
    const { peer, partition, epoch, keyspaceId } = pair;
    this.#ask(peer, { type: 'leaves', epoch, partition, keyspaceId, bucket, after }, 'leaves', (theirs) => {
      if (theirs === undefined) return done();
      this.#ownLeaves({ ...pair, bucket, after, until: theirs.next }, [], (ours) => {
        if (ours === undefined) return done();
        const differing = differingLeaves(ours, theirs.leaves);
        forEachBounded(
          differing,
          MERGES_MAX,
          (key, merged) => this.#merge(pair, key, merged),
          () => {
            if (theirs.next === undefined) done();
            else this.#bucket(pair, bucket, theirs.next, done);
          },
        );
      });
    });
  }

  /** All leaves of a part of a bucket, which is a small part of a partition. */
  #ownLeaves(request: LeavesRequest, found: Leaf[], then: (leaves: readonly Leaf[] | undefined) => void): void {
    this.#node.background.run('anti-entropy', (release) => {
      readLeaves(this.#node, request, (outcome) => {
        release(outcome.ok ? outcome.value.bytes : 0);
        if (!outcome.ok) return then(undefined);
        found.push(...outcome.value.leaves);
        if (outcome.value.next === undefined) then(found);
        else this.#ownLeaves({ ...request, after: outcome.value.next }, found, then);
      });
    });
  }

  /** Merges the peer's copy into ours, and the result into the peer's (P1). */
  #merge({ peer, partition, epoch, keyspaceId }: Pair, key: Uint8Array, done: () => void): void {
    const { background, records, planted, fences } = this.#node;
    background.run('anti-entropy', (release) => {
      const end = (bytes: number): void => {
        release(bytes);
        done();
      };
      // Of before anything is read: what was forgotten meanwhile must come back neither here nor there.
      const own = fences.own(partition);
      const fence = fences.of(peer, partition);
      sendTo(this.#node, peer, { type: 'read', epoch, keyspaceId, key }, TRANSFER_TIMEOUT_MS, (reply) => {
        if (!reply.ok || reply.value.type !== 'read' || reply.value.standing !== 'member') return end(0);
        const bytes = reply.value.record.byteLength;
        const theirs = decodeVersions(reply.value.record);
        let merged: Versions = theirs;
        records.update(
          new RecordKey(keyspaceId, key),
          (stored) => {
            assertCurrent(this.#node, { partition, epoch });
            if (fences.own(partition) !== own && !planted('forget-unfenced')) throw new StoreError('RECOVERING');
            merged = planted('anti-entropy-overwrites') ? theirs : mergeVersions(stored, theirs);
            return merged;
          },
          {
            accepted: () => {},
            refused: () => end(bytes),
            durable: () => {
              this.#recordsMerged++;
              if (versionsEqual(merged, theirs)) return end(bytes);
              const record = encodeVersions(merged);
              const write = { epoch, keyspaceId, key, record, memory: false, fence };
              sendRecord(this.#node, peer, write, TRANSFER_TIMEOUT_MS, () => end(bytes + record.byteLength));
            },
          },
        );
      });
    });
  }

  /** One question within the budget; `undefined` if it was not answered. */
  #ask<T extends PeerResponse['type']>(
    peer: string,
    request: PeerRequest,
    type: T,
    then: (response: Extract<PeerResponse, { readonly type: T }> | undefined) => void,
  ): void {
    this.#node.background.run('anti-entropy', (release) => {
      sendTo(this.#node, peer, request, TRANSFER_TIMEOUT_MS, (reply) => {
        release(0);
        if (reply.ok && reply.value.type === type) return then(reply.value as Extract<PeerResponse, { type: T }>);
        this.#stalled = `${peer}: ${reply.ok ? 'unexpected answer' : reply.error.reason}`;
        then(undefined);
      });
    });
  }
}

/** The keys that the two sides do not hold alike. */
function differingLeaves(ours: readonly Leaf[], theirs: readonly Leaf[]): readonly Uint8Array[] {
  const left = new Map(ours.map((leaf) => [latin1(leaf.key), leaf]));
  const differing: Uint8Array[] = [];
  for (const { key, hash } of theirs) {
    const id = latin1(key);
    if (left.get(id)?.hash !== hash) differing.push(key);
    left.delete(id);
  }
  return [...differing, ...[...left.values()].map(({ key }) => key)];
}
