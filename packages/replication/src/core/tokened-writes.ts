import { StoreError } from '@ferrite/errors';
import { keyHash } from '@ferrite/hashing';
import {
  actorIdFromBytes,
  actorIdToBytes,
  addDot,
  type CausalContext,
  compareDots,
  contains,
  type Dot,
  encodeContext,
} from '@ferrite/vector-clock';

/** A write that its client may send again (P12): a record remembers which dot it got. */
export interface TokenedWrite {
  /** XXH64 of the token, and of the context that came with it ({@link contextHash}). */
  readonly token: bigint;
  readonly seen: bigint;
  /** Ascending. More than one: coordinators took it without knowing of each other. */
  readonly dots: readonly Dot[];
  /** Hybrid time, in ticks: the latest {@link TOKENED_WRITES_MAX} are remembered. */
  readonly time: number;
}

/** So many tokened writes a record remembers; a token sent again after so many others is a new write. */
export const TOKENED_WRITES_MAX = 16;

/** Dots of one write that are remembered; nobody sends it to more coordinators at once. */
const DOTS_MAX = 8;

/** Bytes of an encoded write: token, context, time, number of dots; and of a dot: actor, counter. */
const HEAD_BYTES = 25;
const DOT_BYTES = 24;

/** What a writer had seen, as far as two writes are compared by it; 0 for nothing at all. */
export function contextHash(context: CausalContext | undefined): bigint {
  return context === undefined ? 0n : keyHash(encodeContext(context));
}

/** One side of a merge: what it knows, which values live there, and the writes it remembers. */
export interface Remembering {
  readonly writes: readonly TokenedWrite[];
  readonly context: CausalContext;
  readonly isAlive: (dot: Dot) => boolean;
}

/**
 * The writes that both sides remember together, ascending by time. A write that two coordinators took because neither knew of
 * the other has two dots: `twins` are those whose values go. Of those that live the least dot stays; but what one side has
 * replaced under one dot is replaced under all. Twins have the same context, so neither has seen what replaced the other:
 * no chain of replacements leads back to where it began, and some value always lives.
 */
export function mergeTokened(
  a: Remembering,
  b: Remembering,
): { readonly writes: readonly TokenedWrite[]; readonly twins: readonly Dot[] } {
  if (a.writes === b.writes) return { writes: a.writes, twins: [] };
  const ours = new Map(a.writes.map((write) => [nameOf(write), write]));
  const theirs = new Map(b.writes.map((write) => [nameOf(write), write]));
  const all = new Map([...theirs, ...ours]);
  for (const [name, write] of ours) {
    const other = theirs.get(name);
    if (other !== undefined) all.set(name, joined(write, other));
  }
  const writes = latest([...all.values()]);
  const twins: Dot[] = [];
  // What has left the window on either side is not in it: of that nobody can tell a twin from a replaced value.
  for (const write of writes) {
    const { dots } = write;
    const name = nameOf(write);
    if (hasReplaced(a, ours.get(name), dots) || hasReplaced(b, theirs.get(name), dots)) twins.push(...dots);
    else if (dots.length > 1) {
      const living = dots.filter(
        (dot) => (a.isAlive(dot) || !contains(a.context, dot)) && (b.isAlive(dot) || !contains(b.context, dot)),
      );
      twins.push(...living.slice(1));
    }
  }
  return { writes, twins };
}

/** Whether a side has replaced the write: it knows a dot without a value that it never took for a twin, or all it knows are gone. */
function hasReplaced({ context, isAlive }: Remembering, own: TokenedWrite | undefined, dots: readonly Dot[]): boolean {
  const isGone = (dot: Dot): boolean => contains(context, dot) && !isAlive(dot);
  if (own?.dots.every(isGone) === true) return true;
  return dots.some((dot) => isGone(dot) && own?.dots.some((each) => compareDots(each, dot) === 0) !== true);
}

function joined(a: TokenedWrite, b: TokenedWrite): TokenedWrite {
  const more = b.dots.filter((dot) => !a.dots.some((each) => compareDots(each, dot) === 0));
  const dots = more.length === 0 ? a.dots : [...a.dots, ...more].sort(compareDots).slice(0, DOTS_MAX);
  // The same write got its time anew from each coordinator: as long as any of them would be remembered, all are.
  return { ...a, dots, time: Math.max(a.time, b.time) };
}

/** The writes that are remembered once `write` has come to them. */
export function remember(writes: readonly TokenedWrite[], write: TokenedWrite): readonly TokenedWrite[] {
  return latest([...writes.filter((each) => nameOf(each) !== nameOf(write)), write]);
}

export function tokenedEqual(a: readonly TokenedWrite[], b: readonly TokenedWrite[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  return a.every((write, at) => {
    const other = b[at]!;
    if (nameOf(write) !== nameOf(other) || write.time !== other.time || write.dots.length !== other.dots.length)
      return false;
    return write.dots.every((dot, index) => compareDots(dot, other.dots[index]!) === 0);
  });
}

/** `context` with all dots of each write of which it covers one: who has seen a write has seen it under every dot. */
export function withTwins(context: CausalContext, writes: readonly TokenedWrite[]): CausalContext {
  const seen = writes.filter(({ dots }) => dots.length > 1 && dots.some((dot) => contains(context, dot)));
  return seen.flatMap(({ dots }) => dots).reduce(addDot, context);
}

/** Bytes of the encoded writes. */
export function tokenedBytes(writes: readonly TokenedWrite[]): number {
  return writes.reduce((sum, { dots }) => sum + HEAD_BYTES + dots.length * DOT_BYTES, 0);
}

/** Encodes the writes from `at` and gives the offset behind them. Integers are little endian, as are the doubles. */
export function encodeTokened(target: Uint8Array, at: number, writes: readonly TokenedWrite[]): number {
  const view = new DataView(target.buffer, target.byteOffset);
  let end = at;
  for (const { token, seen, dots, time } of writes) {
    view.setBigUint64(end, token, true);
    view.setBigUint64(end + 8, seen, true);
    view.setFloat64(end + 16, time, true);
    view.setUint8(end + 24, dots.length);
    end += HEAD_BYTES;
    for (const { actor, counter } of dots) {
      target.set(actorIdToBytes(actor), end);
      view.setFloat64(end + 16, counter, true);
      end += DOT_BYTES;
    }
  }
  return end;
}

/** Decodes `count` writes from `at`. `ARGUMENT_INVALID` where there are none. */
export function decodeTokened(
  source: Uint8Array,
  at: number,
  count: number,
): { readonly writes: readonly TokenedWrite[]; readonly end: number } {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  let end = at;
  const demand = (bytes: number): void => {
    if (end + bytes > source.byteLength)
      throw new StoreError('ARGUMENT_INVALID', { message: 'a record has no room for its tokened writes' });
  };
  const writes = Array.from({ length: count }, (): TokenedWrite => {
    demand(HEAD_BYTES);
    const token = view.getBigUint64(end, true);
    const seen = view.getBigUint64(end + 8, true);
    const time = view.getFloat64(end + 16, true);
    const length = view.getUint8(end + 24);
    end += HEAD_BYTES;
    demand(length * DOT_BYTES);
    const dots = Array.from({ length }, (_, index): Dot => {
      const from = end + index * DOT_BYTES;
      return { actor: actorIdFromBytes(source.subarray(from, from + 16)), counter: view.getFloat64(from + 16, true) };
    });
    end += length * DOT_BYTES;
    return { token, seen, dots, time };
  });
  return { writes, end };
}

function nameOf({ token, seen }: TokenedWrite): string {
  return `${token}/${seen}`;
}

function latest(writes: TokenedWrite[]): readonly TokenedWrite[] {
  writes.sort((a, b) => a.time - b.time || (nameOf(a) < nameOf(b) ? -1 : 1));
  return writes.slice(-TOKENED_WRITES_MAX);
}
