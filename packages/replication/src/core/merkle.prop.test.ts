import { keyHash, partitionOf } from '@ferrite/hashing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, bucketOfNode, bucketStart, differingChildren, leafHash, MerkleTree } from './merkle.ts';

const bits = 3;
const key = fc.uint8Array({ minLength: 1, maxLength: 8 });
const record = fc.uint8Array({ maxLength: 8 });
/** A set of records: each key once. */
const records = fc.uniqueArray(fc.tuple(key, record), { selector: ([name]) => name.join(), maxLength: 60 });
type Records = [Uint8Array, Uint8Array][];

function treeOf(set: Iterable<readonly [Uint8Array, Uint8Array]>): MerkleTree {
  const tree = new MerkleTree();
  for (const [name, value] of set) tree.toggle(bucketOf(keyHash(name), bits), leafHash(name, value));
  return tree;
}

function differingBuckets(ours: MerkleTree, theirs: MerkleTree): number[] {
  const found: number[] = [];
  const open = ours.root === theirs.root ? [] : [0];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const bucket = bucketOfNode(node);
    if (bucket === undefined) open.push(...differingChildren(ours, node, theirs.children(node)));
    else found.push(bucket);
  }
  return found.sort((a, b) => a - b);
}

describe('a Merkle tree', () => {
  it('order: the same set has the same tree, in whatever order it came to be', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(fc.nat()), (set, numbers) => {
        const order = set.map((each) => ({ each, at: numbers.next().value as number })).sort((a, b) => a.at - b.at);
        const other = treeOf(order.map(({ each }) => each));
        expect(other.root).toBe(treeOf(set).root);
        expect(differingBuckets(treeOf(set), other)).toEqual([]);
      }),
    );
  });

  it('incremental: replacing and removing records leads to the tree of what is left', () => {
    fc.assert(
      fc.property(records, record, (set, replacement) => {
        const tree = treeOf(set);
        const left: Records = [];
        for (const [at, [name, value]] of set.entries()) {
          const bucket = bucketOf(keyHash(name), bits);
          if (at % 3 === 0) left.push([name, value]);
          else tree.toggle(bucket, leafHash(name, value));
          if (at % 3 !== 1) continue;
          tree.toggle(bucket, leafHash(name, replacement));
          left.push([name, replacement]);
        }
        expect(tree.root).toBe(treeOf(left).root);
        expect(differingBuckets(tree, treeOf(left))).toEqual([]);
      }),
    );
  });

  it('difference: the walk finds exactly the buckets of the records that differ', () => {
    fc.assert(
      fc.property(records, records, (a, b) => {
        const names = (set: Records): Map<string, readonly [Uint8Array, Uint8Array]> =>
          new Map(set.map((each) => [each.join('/'), each]));
        const [inA, inB] = [names(a), names(b)];
        const differing = [...inA, ...inB].filter(([name]) => inA.has(name) !== inB.has(name)).map(([, each]) => each);
        const expected = new Set(differing.map(([name]) => bucketOf(keyHash(name), bits)));
        expect(differingBuckets(treeOf(a), treeOf(b))).toEqual([...expected].sort((x, y) => x - y));
      }),
    );
  });

  it('range: a bucket is a contiguous slice of its partition', () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 0, max: 16 }), (name, partitionBits) => {
        const hash = keyHash(name);
        const partition = partitionOf(hash, partitionBits);
        const bucket = bucketOf(hash, partitionBits);
        expect(hash >= bucketStart(partition, bucket, partitionBits)).toBe(true);
        expect(hash < bucketStart(partition, bucket + 1, partitionBits)).toBe(true);
      }),
    );
  });

  it('a record counts as its key and its bytes, not as their concatenation', () => {
    const [a, b, ab] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(1, 2)];
    expect(leafHash(a, b)).not.toBe(leafHash(ab, new Uint8Array()));
  });

  it('has no children below its buckets, nor for a number that names no node', () => {
    for (const node of [17, 273, -1, 0.5]) expect(new MerkleTree().children(node)).toEqual([]);
  });
});
