import { jumpHash, keyHash, type PlacementTable, partitionOf, planPlacement, rendezvousOrder } from '@ferrite/hashing';

const short = new Uint8Array(16).fill(0x61);
const long = new Uint8Array(1024).fill(0x61);
const hash = keyHash(short);
const nodes = Array.from({ length: 9 }, (_, i) => ({ id: `n${i}`, host: `h${i}`, zone: `z${i % 3}`, weight: 1 }));

const large = Array.from({ length: 301 }, (_, i) => ({ id: `n${i}`, host: `h${i}`, zone: `z${i % 7}`, weight: 1 }));
let largeTable: PlacementTable | undefined;

/** One node joins 300 that hold 16,384 partitions. */
function joinLarge(): PlacementTable {
  const input = { partitionCount: 16_384, replicas: 3 };
  largeTable ??= planPlacement({ nodes: large.slice(0, 300), ...input });
  return planPlacement({ nodes: large, ...input, previous: largeTable });
}

/** Keeps the result of every operation in use, so that none is optimised away. */
let sink: unknown;

function repeat(operation: () => unknown): (iterations: number) => void {
  return (iterations) => {
    for (let done = 0; done < iterations; done++) sink = operation();
    if (sink === undefined) throw new Error('the benchmark did nothing');
  };
}

/** Micro-benchmarks of `npm run bench -- hashing`. */
export const benchmarks: { name: string; unit: 'ns/op'; run(iterations: number): void }[] = [
  { name: 'key-hash-16b', unit: 'ns/op', run: repeat(() => keyHash(short)) },
  { name: 'key-hash-1k', unit: 'ns/op', run: repeat(() => keyHash(long)) },
  { name: 'partition', unit: 'ns/op', run: repeat(() => partitionOf(hash)) },
  { name: 'jump-hash-1024', unit: 'ns/op', run: repeat(() => jumpHash(hash, 1024)) },
  { name: 'rendezvous-order-9', unit: 'ns/op', run: repeat(() => rendezvousOrder(7, nodes)) },
  {
    name: 'plan-64-partitions-9',
    unit: 'ns/op',
    run: repeat(() => planPlacement({ nodes, partitionCount: 64, replicas: 3 })),
  },
  { name: 'join-16384-partitions-301', unit: 'ns/op', run: repeat(joinLarge) },
];
