import type { ScanResult } from './effect.ts';
import { isExpired } from './expiry.ts';
import { chooseLast } from './last-write.ts';
import type { GetResult, Outcome } from './message.ts';
import type { Versions } from './record.ts';
import type { ReplicaContext } from './replica-context.ts';
import type { Keyspace } from './topology.ts';

type Viewer = Pick<ReplicaContext, 'planted' | 'wallMs'>;

/**
 * What replicas hold of a record, as a client of the keyspace is to see it: the last write alone where that wins, and
 * nothing that has expired, nor what the expired had won against (P16). The context stays that of all they hold.
 */
function present({ planted, wallMs }: Viewer, keyspace: Keyspace, versions: Versions): Versions {
  const { context, siblings } =
    keyspace.conflictPolicy === 'lww' ? chooseLast(versions, planted('lww-picks-oldest')) : versions;
  if (siblings.every(({ value }) => value.expiresAtMs === 0) || planted('expired-is-shown'))
    return { context, siblings };
  // INV-REPL-21: by the clock as it is when the answer leaves.
  return { context, siblings: siblings.filter(({ value }) => !isExpired(value, wallMs())) };
}

/** {@link present} for the result of a get. */
export function presentRecord(node: Viewer, keyspace: Keyspace, outcome: Outcome<GetResult>): Outcome<GetResult> {
  if (!outcome.ok) return outcome;
  return { ok: true, value: { versions: present(node, keyspace, outcome.value.versions) } };
}

/** {@link present} for a page of a scan. */
export function presentPage(node: Viewer, keyspace: Keyspace, outcome: Outcome<ScanResult>): Outcome<ScanResult> {
  if (!outcome.ok) return outcome;
  const records = outcome.value.records.flatMap((record) => {
    const versions = present(node, keyspace, record.result.versions);
    return versions.siblings.length === 0 ? [] : [{ ...record, result: { versions } }];
  });
  return { ok: true, value: { ...outcome.value, records } };
}
