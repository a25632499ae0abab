import type { ScanResult } from './effect.ts';
import { chooseLast } from './last-write.ts';
import type { GetResult, Outcome } from './message.ts';
import type { Versions } from './record.ts';
import type { ReplicaContext } from './replica-context.ts';
import type { Keyspace } from './topology.ts';

type Viewer = Pick<ReplicaContext, 'planted'>;

/** What replicas hold of a record, as a client of the keyspace is to see it. The context stays that of all they hold. */
function present({ planted }: Viewer, keyspace: Keyspace, versions: Versions): Versions {
  return keyspace.conflictPolicy === 'lww' ? chooseLast(versions, planted('lww-picks-oldest')) : versions;
}

/** {@link present} for the result of a get. */
export function presentRecord(node: Viewer, keyspace: Keyspace, outcome: Outcome<GetResult>): Outcome<GetResult> {
  if (!outcome.ok) return outcome;
  return { ok: true, value: { versions: present(node, keyspace, outcome.value.versions) } };
}

/** {@link present} for a page of a scan. */
export function presentPage(node: Viewer, keyspace: Keyspace, outcome: Outcome<ScanResult>): Outcome<ScanResult> {
  if (!outcome.ok) return outcome;
  const records = outcome.value.records.map((record) => {
    return { ...record, result: { versions: present(node, keyspace, record.result.versions) } };
  });
  return { ok: true, value: { ...outcome.value, records } };
}
