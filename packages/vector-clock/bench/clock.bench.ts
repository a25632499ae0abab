import {
  actorIdFromRandom,
  bytesValueCodec,
  createTokenCodec,
  decodeRecord,
  emptyContext,
  emptyRecord,
  encodeRecord,
  mergeRecords,
  type RecordState,
  writeRecord,
} from '@ferrite/vector-clock';

/** What each Put and Get does with causality, on the common record: two actors, one sibling of 1 KiB. */
const [first, second] = [actorIdFromRandom(() => 0.25), actorIdFromRandom(() => 0.75)];
const value = new Uint8Array(1024).fill(0x5a);
const start: RecordState<Uint8Array> = emptyRecord;
const one = writeRecord(start, { actor: first, context: emptyContext, value });
const two = writeRecord(one.state, { actor: second, context: one.responseContext, value });
const encoded = encodeRecord(two.state, bytesValueCodec);
const tokens = createTokenCodec(new Uint8Array(32).fill(7));
const binding = { keyspaceId: 1, keyHash: 0x0123_4567_89ab_cdefn };
const token = tokens.encode(binding, two.responseContext);

/** Keeps the result of every operation in use, so that none is optimised away. */
let sink: unknown;

function repeat(operation: () => unknown): (iterations: number) => void {
  return (iterations) => {
    for (let done = 0; done < iterations; done++) sink = operation();
    if (sink === undefined) throw new Error('the benchmark did nothing');
  };
}

/** Micro-benchmarks of `npm run bench -- clock`. `copy-1k` is the floor of `encode-record-1k`: the allocation and copy. */
export const benchmarks: { name: string; unit: 'ns/op'; run(iterations: number): void }[] = [
  { name: 'merge-known', unit: 'ns/op', run: repeat(() => mergeRecords(two.state, two.delta)) },
  { name: 'merge-newer', unit: 'ns/op', run: repeat(() => mergeRecords(one.state, two.delta)) },
  {
    name: 'write',
    unit: 'ns/op',
    run: repeat(() => writeRecord(two.state, { actor: first, context: two.responseContext, value })),
  },
  { name: 'encode-record-1k', unit: 'ns/op', run: repeat(() => encodeRecord(two.state, bytesValueCodec)) },
  { name: 'copy-1k', unit: 'ns/op', run: repeat(() => encoded.slice()) },
  { name: 'decode-record-1k', unit: 'ns/op', run: repeat(() => decodeRecord(encoded, bytesValueCodec)) },
  { name: 'encode-token', unit: 'ns/op', run: repeat(() => tokens.encode(binding, two.responseContext)) },
  { name: 'decode-token', unit: 'ns/op', run: repeat(() => tokens.decode(binding, token)) },
];
