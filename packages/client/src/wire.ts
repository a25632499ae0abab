import { timestampDate } from '@bufbuild/protobuf/wkt';
import { decodeGot, type SiblingFields } from '@ferrite/net';
import {
  type GetResponse,
  type PutResponse,
  Consistency as WireConsistency,
  Durability as WireDurability,
  type Sibling as WireSibling,
} from '@ferrite/proto/kv';
import type { Consistency, Durability, GetResult, Sibling, WriteResult } from './types.ts';

const CONSISTENCIES = {
  one: WireConsistency.ONE,
  quorum: WireConsistency.QUORUM,
  all: WireConsistency.ALL,
} as const satisfies Record<Consistency, WireConsistency>;

const DURABILITIES = {
  device: WireDurability.DEVICE,
  memory: WireDurability.MEMORY,
} as const satisfies Record<Durability, WireDurability>;

export function toWireConsistency(consistency: Consistency | undefined): WireConsistency {
  return consistency === undefined ? WireConsistency.UNSPECIFIED : CONSISTENCIES[consistency];
}

export function toWireDurability(durability: Durability | undefined): WireDurability {
  return durability === undefined ? WireDurability.UNSPECIFIED : DURABILITIES[durability];
}

/** Unset, or a value of a newer server, reads as `quorum`, the safe one of the two that are common. */
export function fromWireConsistency(consistency: WireConsistency): Consistency {
  if (consistency === WireConsistency.ONE) return 'one';
  return consistency === WireConsistency.ALL ? 'all' : 'quorum';
}

export function fromWireDurability(durability: WireDurability): Durability {
  return durability === WireDurability.MEMORY ? 'memory' : 'device';
}

export function toSibling(sibling: WireSibling): Sibling {
  const { value, writtenAt, expiresAt } = sibling;
  return {
    value,
    ...(writtenAt && { writtenAt: timestampDate(writtenAt) }),
    ...(expiresAt && { expiresAt: timestampDate(expiresAt) }),
  };
}

export function toGetResult(response: GetResponse): GetResult {
  return {
    siblings: response.siblings.map(toSibling),
    context: response.context,
    moreSiblings: response.moreSiblings,
  };
}

/** An answer in its wire form; `undefined` for one that only protobuf-es can read. */
export function gotFromWire(bytes: Buffer): GetResult | undefined {
  const got = decodeGot(bytes);
  return got && { ...got, siblings: got.siblings.map(siblingOf) };
}

function siblingOf({ value, writtenAtMs, expiresAtMs }: SiblingFields): Sibling {
  if (writtenAtMs >= 0 && expiresAtMs < 0) return { value, writtenAt: new Date(writtenAtMs) };
  return {
    value,
    ...(writtenAtMs >= 0 && { writtenAt: new Date(writtenAtMs) }),
    ...(expiresAtMs >= 0 && { expiresAt: new Date(expiresAtMs) }),
  };
}

/** Of a put or, as the two have the same fields, a delete. */
export function toWriteResult(response: Omit<PutResponse, '$typeName' | '$unknown'>): WriteResult {
  return {
    context: response.context,
    ackedReplicas: response.ackedReplicas,
    durableReplicas: response.durableReplicas,
    hintedReplicas: response.hintedReplicas,
  };
}
