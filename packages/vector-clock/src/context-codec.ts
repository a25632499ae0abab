import type { ActorEvents } from './actor-events.ts';
import { writeActorId } from './actor-id.ts';
import { malformed, Reader, varintBytes, writeVarint } from './byte-codec.ts';
import { type CausalContext, emptyContext } from './causal-context.ts';
import { ACTOR_BYTES, COUNTER_MAX } from './limits.ts';

const VERSION = 1;

/** Bytes of the shortest entry: the actor, its contiguous counter, the number of separate dots. */
const ENTRY_BYTES_MIN: number = ACTOR_BYTES + 2;

/**
 * The canonical bytes of a context: equal contexts, equal bytes. Integers are unsigned LEB128:
 *
 * ```text
 * context = version (1)  body
 * body    = number of actors  { actor (16 bytes)  contiguous  number of separate dots  { gap } }
 * gap     = how many counters lie unseen between a separate dot and what stands before it, less 1 for the first
 * ```
 *
 * The first gap is at least 1 (a dot adjacent to the contiguous part belongs to it), hence the 1 taken off.
 */
export function encodeContext(context: CausalContext): Uint8Array {
  const bytes = new Uint8Array(1 + contextBodyBytes(context));
  bytes[0] = VERSION;
  writeContextBody(bytes, 1, context);
  return bytes;
}

/** The context that `bytes` (borrowed) encode; `ARGUMENT_INVALID` for anything that {@link encodeContext} never makes. */
export function decodeContext(bytes: Uint8Array): CausalContext {
  const reader = new Reader(bytes);
  reader.version(VERSION);
  const context = readContextBody(reader);
  reader.end();
  return context;
}

/** Bytes that {@link writeContextBody} uses. */
export function contextBodyBytes(context: CausalContext): number {
  let bytes = varintBytes(context.entries.length);
  for (const { contiguous, separate } of context.entries) {
    bytes += ACTOR_BYTES + varintBytes(contiguous) + varintBytes(separate.length);
    let before = contiguous + 1;
    for (const counter of separate) {
      bytes += varintBytes(counter - before - 1);
      before = counter;
    }
  }
  return bytes;
}

/** Writes a context without version byte at `at`; returns the offset behind it. */
export function writeContextBody(target: Uint8Array, at: number, context: CausalContext): number {
  let offset = writeVarint(target, at, context.entries.length);
  for (const { actor, contiguous, separate } of context.entries) {
    offset = writeActorId(target, offset, actor);
    offset = writeVarint(target, offset, contiguous);
    offset = writeVarint(target, offset, separate.length);
    let before = contiguous + 1;
    for (const counter of separate) {
      offset = writeVarint(target, offset, counter - before - 1);
      before = counter;
    }
  }
  return offset;
}

/** Reads what {@link writeContextBody} wrote. */
export function readContextBody(reader: Reader): CausalContext {
  const actors = reader.count(ENTRY_BYTES_MIN);
  if (actors === 0) return emptyContext;
  const entries: ActorEvents[] = [];
  for (let index = 0; index < actors; index++) {
    const entry = readEntry(reader);
    const previous = entries[index - 1];
    if (previous !== undefined && previous.actor >= entry.actor) throw malformed('actors are not in order');
    entries.push(entry);
  }
  return { entries };
}

function readEntry(reader: Reader): ActorEvents {
  const actor = reader.actor();
  const contiguous = reader.varint();
  const dots = reader.count(1);
  if (dots === 0 && contiguous === 0) throw malformed('an actor has no dots');
  const separate: number[] = [];
  let before = contiguous + 1;
  for (let index = 0; index < dots; index++) {
    before += reader.varint() + 1;
    if (before > COUNTER_MAX) throw malformed('a counter exceeds 2^53 - 1');
    separate.push(before);
  }
  return { actor, contiguous, separate };
}
