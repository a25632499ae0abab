import { actorId, contextOf, dot } from '@ferrite/vector-clock';
import { expect, it } from 'vitest';
import { isExpired } from './expiry.ts';
import { presentRecord } from './presented.ts';
import type { StoredValue, Versions } from './record.ts';
import { type Keyspace } from './topology.ts';
import { formTopology } from './topology-keyspaces.ts';
import { parseTopology, serializeTopology } from './topology-text.ts';

const NOW_MS = 1_700_000_000_000;
const member = { id: 'n1', host: 'h', zone: 'z', weight: 1, rpc: 'h:1', fabric: 'h:2' };
const [keyspace] = formTopology([member], { partitionBits: 1 }).keyspaces as [Keyspace];

function value(writtenAtMs: number, expiresAtMs: number): StoredValue {
  return { bytes: new Uint8Array([1]), writtenAtMs, expiresAtMs };
}

function versionsOf(...values: StoredValue[]): Versions {
  const siblings = values.map((each, at) => ({ dot: dot(actorId('a'.repeat(32)), at + 1), value: each }));
  return { context: contextOf(siblings.map((sibling) => sibling.dot)), siblings };
}

function shown(versions: Versions, conflictPolicy: Keyspace['conflictPolicy']): Versions {
  const viewer = { planted: () => false, wallMs: () => NOW_MS };
  const outcome = presentRecord(viewer, { ...keyspace, conflictPolicy }, { ok: true, value: { versions } });
  if (!outcome.ok) throw outcome.error;
  return outcome.value.versions;
}

it('ends at the very millisecond, and never for a value without an end', () => {
  expect(isExpired(value(0, NOW_MS), NOW_MS)).toBe(true);
  expect(isExpired(value(0, NOW_MS + 1), NOW_MS)).toBe(false);
  expect(isExpired(value(0, 0), NOW_MS)).toBe(false);
});

it('shows of siblings those that live, under the context of all', () => {
  const all = versionsOf(value(1, NOW_MS - 1), value(2, 0), value(3, NOW_MS + 5));
  const { context, siblings } = shown(all, 'siblings');
  expect(siblings.map((each) => each.value.writtenAtMs)).toEqual([2, 3]);
  expect(context).toEqual(all.context);
});

it('shows nothing where the last write has expired: what it won against does not come back', () => {
  expect(shown(versionsOf(value(1, 0), value(2, NOW_MS)), 'lww').siblings).toEqual([]);
});

it('reads topology documents from before keyspaces had a ttl', () => {
  const document = formTopology([member], { partitionBits: 1 });
  const older = serializeTopology(document).replaceAll(/,"ttlMs":0/g, '');
  expect(older).not.toContain('ttlMs');
  expect(parseTopology(older).keyspaces).toEqual(document.keyspaces);
});
