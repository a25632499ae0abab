import { StoreError } from '@ferrite/errors';
import { type ActorId, actorId } from '@ferrite/vector-clock';
import { fromLatin1, latin1 } from './bytes.ts';
import type { KnownBoot } from './event.ts';
import type { HoldingsRecord } from './holdings.ts';
import type { Outcome } from './message.ts';

/** What a node keeps about itself, in its own keyspace, under one key. */
export interface SystemState {
  readonly clusterId: string;
  /** Number of the open that wrote this (P9); grows by at least one an open. */
  readonly boot: number;
  readonly incarnation: string;
  /** The node has once been told whether it starts with data or without. */
  readonly formed: boolean;
  /** Partitions whose data is missing, and whose last group may be. */
  readonly recovering: readonly number[];
  readonly ambiguous: readonly number[];
  /** Those of the recovering whose old data has to go first. */
  readonly stale?: readonly number[];
  /** Records that cannot be read, in other partitions; a key's bytes as characters. */
  readonly unreadable?: readonly { readonly keyspaceId: number; readonly key: string; readonly held: boolean }[];
  /** Blocks of hints by peer. */
  readonly hints?: Readonly<Record<string, number>>;
  /** The highest boot known of each other node. */
  readonly boots: Readonly<Record<string, KnownBoot>>;
  /** The boots that this disk has seen since the last verified one; absent in what older versions wrote. */
  readonly trail?: readonly KnownBoot[];
  /** Actors by partition, written by a clean close only (P3). */
  readonly actors: Readonly<Record<string, ActorId>> | undefined;
  /** The partitions of each keyspace that this node keeps, and has yet to drop; absent in what older versions wrote. */
  readonly holds?: HoldingsRecord;
  /** With the actors: counters of theirs that were forgotten. */
  readonly floors?: Readonly<Record<string, number>>;
}

/** Where the state lies in the system keyspace. */
export const SYSTEM_STATE_KEY: Uint8Array = fromLatin1('replica');

export function encodeSystemState(state: SystemState): Uint8Array {
  return fromLatin1(JSON.stringify({ format: 1, ...state }));
}

/** Throws `CHECKSUM_MISMATCH` for bytes that no version wrote: the engine's own checksum has missed something. */
export function decodeSystemState(bytes: Uint8Array): SystemState {
  try {
    const state = JSON.parse(latin1(bytes)) as SystemState & { format: number };
    if (state.format !== 1) throw new TypeError(`format ${state.format}`);
    const actors = state.actors && Object.fromEntries(Object.entries(state.actors).map(([p, id]) => [p, actorId(id)]));
    return { ...state, actors };
  } catch (cause) {
    throw new StoreError('CHECKSUM_MISMATCH', { message: "the node's own record cannot be read", cause });
  }
}

/** What the last life left; `undefined` if there was none, or it cannot be read. */
export function priorState(stored: Outcome<Uint8Array | undefined>): SystemState | undefined {
  if (!stored.ok || stored.value === undefined) return undefined;
  try {
    return decodeSystemState(stored.value);
  } catch (error) {
    if (!StoreError.is(error)) throw error;
    return undefined;
  }
}
