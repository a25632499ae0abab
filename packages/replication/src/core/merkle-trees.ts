import { keyHash } from '@ferrite/hashing';
import type { Background } from './background.ts';
import { latin1 } from './bytes.ts';
import type { DamageWatch } from './damage.ts';
import { type Desk, expectAnswer } from './desk.ts';
import type { StorePage } from './event.ts';
import { RETRY_AFTER_MS, TREE_BUILDS_MAX } from './limits.ts';
import { bucketOf, leafHash, MerkleTree } from './merkle.ts';
import type { Planted } from './mutation.ts';
import { comparePlaces, type Place } from './place.ts';
import { RecordKey } from './record-key.ts';

/** What the trees need from their surroundings. */
export interface MerkleTreesHost {
  partitionBits(): number;
  /** Called before a page is read; what it gives hears how many of its records could not be read. */
  watch(partition: number): DamageWatch;
  /** A record was met while a tree was built. The bytes are borrowed. */
  met(at: RecordKey, record: Uint8Array): void;
}

interface Tree {
  readonly partition: number;
  readonly keyspaceId: number;
  readonly merkle: MerkleTree;
  /** While it is built: records up to here are in it; `undefined`: none yet. `done`: all. */
  reach: Place | undefined | 'done';
  /** While a page is being read: what was stored beyond `reach` since it was asked for; the page may hold it or not. */
  readonly meanwhile: Map<string, { readonly place: Place; readonly leaf: bigint | undefined }>;
}

/**
 * The Merkle trees of this node, one for each partition of each keyspace, in step with what the engine has accepted
 * (INV-REPL-12). After an open, and whenever what was stored cannot be told, a tree is built anew from a scan while
 * writes go on: up to the scan's reach changes count at once, beyond it the scan will meet them.
 */
export class MerkleTrees {
  readonly #desk: Desk;
  readonly #background: Background;
  readonly #host: MerkleTreesHost;
  readonly #planted: Planted;
  readonly #trees = new Map<string, Tree>();
  readonly #queue: Tree[] = [];
  #building = 0;

  constructor(desk: Desk, background: Background, host: MerkleTreesHost, planted: Planted) {
    this.#desk = desk;
    this.#background = background;
    this.#host = host;
    this.#planted = planted;
  }

  /** The tree, if it is in step; otherwise it will be some time after this call. */
  ready(partition: number, keyspaceId: number): MerkleTree | undefined {
    const name = `${partition}/${keyspaceId}`;
    const present = this.#trees.get(name);
    if (present !== undefined) return present.reach === 'done' ? present.merkle : undefined;
    const tree: Tree = { partition, keyspaceId, merkle: new MerkleTree(), reach: undefined, meanwhile: new Map() };
    this.#trees.set(name, tree);
    this.#queue.push(tree);
    this.#next();
    return undefined;
  }

  /** Trees being built or waiting for it. */
  get unready(): number {
    return this.#queue.length + this.#building;
  }

  /** Forgets a tree: it is built anew when it is wanted next. */
  doubt(partition: number, keyspaceId: number): void {
    this.#trees.delete(`${partition}/${keyspaceId}`);
  }

  /** Forgets the trees that `keep` does not want. */
  keepOnly(keep: (partition: number, keyspaceId: number) => boolean): void {
    for (const [name, { partition, keyspaceId }] of this.#trees) {
      if (!keep(partition, keyspaceId)) this.#trees.delete(name);
    }
  }

  /** The engine accepted a change ({@link LocalRecordsHost.changed}). */
  changed(at: RecordKey, before: Uint8Array | 'unknown' | undefined, after: Uint8Array | undefined): void {
    const { keyspaceId, key } = at;
    const bits = this.#host.partitionBits();
    const partition = at.partition(bits);
    const tree = this.#trees.get(`${partition}/${keyspaceId}`);
    const { hash } = at;
    if (tree === undefined || this.#planted('tree-misses-changes')) return;
    if (tree.reach !== 'done' && (tree.reach === undefined || comparePlaces({ hash, key }, tree.reach) > 0)) {
      const leaf = after && leafHash(key, after);
      tree.meanwhile.set(latin1(key), { place: { hash, key }, leaf });
      return;
    }
    if (before === 'unknown') return this.doubt(partition, keyspaceId);
    const bucket = bucketOf(hash, bits);
    if (before !== undefined) tree.merkle.toggle(bucket, leafHash(key, before));
    if (after !== undefined) tree.merkle.toggle(bucket, leafHash(key, after));
  }

  #next(): void {
    while (this.#building < TREE_BUILDS_MAX && this.#queue.length > 0) {
      const tree = this.#queue.shift()!;
      this.#building++;
      this.#build(tree);
    }
  }

  #built(): void {
    this.#building--;
    this.#next();
  }

  /** Takes in the next page, and the one after it. A tree that was doubted meanwhile is let go. */
  #build(tree: Tree): void {
    const { partition, keyspaceId } = tree;
    this.#background.run('trees', (release) => {
      if (!this.#isWanted(tree)) {
        release(0);
        return this.#built();
      }
      tree.meanwhile.clear();
      const after = tree.reach === 'done' ? undefined : tree.reach;
      const watch = this.#host.watch(partition);
      this.#desk.ask({ type: 'page', keyspaceId, partition, after, ...this.#background.page }, (answer) => {
        const { outcome, ticket } = expectAnswer(answer, 'page');
        this.#desk.forget(ticket);
        release(outcome.ok ? pageBytes(outcome.value) : 0);
        if (!this.#isWanted(tree)) return this.#built();
        let damaged = 0;
        if (outcome.ok) damaged = outcome.value.damaged;
        else if (outcome.error.kind === 'data_loss') damaged = Number.POSITIVE_INFINITY;
        if (damaged > 0) watch(damaged);
        if (!outcome.ok || damaged > 0) {
          // The page cannot be had as it is: from the beginning, when somebody asks again.
          this.#desk.timer(RETRY_AFTER_MS, () => {
            if (this.#isWanted(tree)) this.doubt(partition, keyspaceId);
          });
          return this.#built();
        }
        this.#take(tree, outcome.value);
        if (tree.reach === 'done') return this.#built();
        this.#build(tree);
      });
    });
  }

  #take(tree: Tree, page: StorePage): void {
    const { keyspaceId, merkle, meanwhile } = tree;
    const bits = this.#host.partitionBits();
    for (const { key, value } of page.records) {
      const newer = meanwhile.get(latin1(key));
      if (newer === undefined) {
        merkle.toggle(bucketOf(keyHash(key), bits), leafHash(key, value));
        this.#host.met(new RecordKey(keyspaceId, key), value);
      }
    }
    for (const { place, leaf } of meanwhile.values()) {
      const within = page.next === undefined || comparePlaces(place, page.next) <= 0;
      if (within && leaf !== undefined) merkle.toggle(bucketOf(place.hash, bits), leaf);
    }
    meanwhile.clear();
    tree.reach = page.next ?? 'done';
  }

  #isWanted(tree: Tree): boolean {
    return this.#trees.get(`${tree.partition}/${tree.keyspaceId}`) === tree;
  }
}

function pageBytes({ records }: StorePage): number {
  return records.reduce((sum, { key, value }) => sum + key.byteLength + value.byteLength, 0);
}
