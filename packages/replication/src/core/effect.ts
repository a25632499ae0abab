import type { StoreError } from '@ferrite/errors';
import type { GetResult, Outcome, PeerRequest, PeerResponse, WriteResult } from './message.ts';
import type { MoveStep } from './topology-moves.ts';

/** What the page of a client's scan holds. */
export interface ScanResult {
  readonly records: readonly { readonly key: Uint8Array; readonly result: GetResult; readonly hash: bigint }[];
  /** More follow in this partition, after the last place looked at. */
  readonly next: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
}

/**
 * Everything the core asks to be done. The order of effects is part of the contract: they are carried out in the order
 * given, and an `append` has been accepted (its `accepted` event is in) before anything that depends on it is emitted.
 */
export type Effect =
  | { readonly type: 'read'; readonly ticket: number; readonly keyspaceId: number; readonly key: Uint8Array }
  | {
      readonly type: 'append';
      readonly ticket: number;
      readonly keyspaceId: number;
      readonly key: Uint8Array;
      readonly value: Uint8Array;
    }
  /** Answered like an append. */
  | {
      readonly type: 'dropPartition';
      readonly ticket: number;
      readonly keyspaceId: number;
      readonly partition: number;
    }
  /** Answered like an append. */
  | { readonly type: 'remove'; readonly ticket: number; readonly keyspaceId: number; readonly key: Uint8Array }
  | {
      readonly type: 'page';
      readonly ticket: number;
      readonly keyspaceId: number;
      readonly partition: number;
      readonly after: { readonly hash: bigint; readonly key: Uint8Array } | undefined;
      readonly maxRecords: number;
      readonly maxBytes: number;
    }
  | {
      readonly type: 'send';
      readonly ticket: number;
      readonly to: string;
      readonly request: PeerRequest;
      readonly timeoutMs: number;
    }
  | { readonly type: 'respond'; readonly id: number; readonly outcome: Outcome<PeerResponse> }
  | { readonly type: 'reply'; readonly op: number; readonly outcome: Outcome<GetResult | WriteResult | ScanResult> }
  | { readonly type: 'timer'; readonly ticket: number; readonly afterMs: number }
  | { readonly type: 'cancel'; readonly ticket: number }
  | { readonly type: 'register'; readonly ticket: number; readonly boot: number; readonly incarnation: string }
  | { readonly type: 'fetchTopology' }
  /** These steps are due: to be published by compare-and-set, if they still are ({@link stepMoves}). */
  | { readonly type: 'stepMoves'; readonly steps: readonly MoveStep[] }
  /** A request to a node that is held for alive has failed: membership may want to look. */
  | { readonly type: 'doubt'; readonly node: string }
  /** The node may serve: its own state is known and durable. */
  | { readonly type: 'started' }
  /** Nothing is in flight and the state for the next start is durable. */
  | { readonly type: 'stopped' }
  /** The process must end: the device or the identity of this node is gone. */
  | { readonly type: 'failStop'; readonly error: StoreError }
  | {
      readonly type: 'note';
      readonly level: 'info' | 'warn';
      readonly text: string;
      readonly facts: Readonly<Record<string, string | number>>;
    };
