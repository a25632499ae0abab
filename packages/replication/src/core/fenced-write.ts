import { StoreError } from '@ferrite/errors';
import type { Outcome, PeerRequest, PeerResponse } from './message.ts';
import { RecordKey } from './record-key.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { partitionOfKey } from './replicas.ts';
import { isCurrent } from './route.ts';

/** How often a record is read and sent anew because its receiver has forgotten something meanwhile. */
const ATTEMPTS_MAX = 3;

/** A record on its way to a peer. */
export interface FencedWrite {
  /** The partition's, as of when the peer was chosen (INV-REPL-31). */
  readonly epoch: number;
  readonly keyspaceId: number;
  readonly key: Uint8Array;
  readonly record: Uint8Array;
  /** Confirm once accepted rather than once flushed. */
  readonly memory: boolean;
  /** What {@link Fences.of} said of the receiver before the record was read. */
  readonly fence: number;
}

type Sender = Pick<ReplicaContext, 'desk' | 'peers' | 'fences' | 'topology'>;

/** Sends a record, and learns from a refusal. */
export function sendRecord(
  node: Sender,
  to: string,
  write: FencedWrite,
  timeoutMs: number,
  then: (outcome: Outcome<PeerResponse>) => void,
): void {
  const request: PeerRequest = { type: 'write', ...write };
  sendTo(node, to, request, timeoutMs, (outcome) => {
    if (outcome.ok && outcome.value.type === 'fenced')
      node.fences.learn(to, partitionOfKey(node.topology(), write.key), outcome.value.fence);
    then(outcome);
  });
}

/**
 * Sends what this node holds of a key, read anew. A record that is not there any more has been forgotten by all, who have
 * all confirmed what it was: that counts as taken.
 */
export function sendCurrent(
  node: Sender & Pick<ReplicaContext, 'records'>,
  to: string,
  what: Omit<FencedWrite, 'record' | 'fence'>,
  timeoutMs: number,
  then: (outcome: Outcome<PeerResponse>) => void,
  attempt = 1,
): void {
  const { epoch, keyspaceId, key } = what;
  const partition = partitionOfKey(node.topology(), key);
  const fence = node.fences.of(to, partition);
  const { drops } = node.records;
  node.records.read(new RecordKey(keyspaceId, key), false, (outcome) => {
    if (!outcome.ok) return then(outcome);
    // Unless it is dropped here, which says nothing of the others.
    if (drops !== node.records.drops || !isCurrent(node, { partition, epoch }))
      return then({ ok: false, error: new StoreError('TOPOLOGY_STALE') });
    if (outcome.value === undefined) return then({ ok: true, value: { type: 'write', durable: true } });
    sendRecord(node, to, { ...what, record: outcome.value, fence }, timeoutMs, (reply) => {
      const again = reply.ok && reply.value.type === 'fenced' && attempt < ATTEMPTS_MAX;
      if (again) sendCurrent(node, to, what, timeoutMs, then, attempt + 1);
      else then(reply);
    });
  });
}
