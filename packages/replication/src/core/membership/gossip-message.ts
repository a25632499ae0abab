import type { Claim } from './claim.ts';

/**
 * What nodes say to each other about who is there. Messages are one-way: an answer is a message of its own. Every one
 * carries at most `CLAIMS_MAX` claims, a page of `sync` at most `SYNC_PAGE_CLAIMS`.
 */
export type GossipMessage =
  /** Wants an `ack` of the same `sequence`. */
  | { readonly type: 'ping'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** Wants the receiver to ping `target` and to pass its `ack` on, or to send a `nack` in time if there is none. */
  | {
      readonly type: 'pingRequest';
      readonly sequence: number;
      readonly target: string;
      readonly claims: readonly Claim[];
    }
  | { readonly type: 'ack'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** "I am well, your target did not answer me": tells a dead target from a prober that hears nothing (Lifeguard). */
  | { readonly type: 'nack'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** Fresh claims, passed on at once. */
  | { readonly type: 'news'; readonly claims: readonly Claim[] }
  /** A page of all that the sender holds; with `answer` the receiver sends its own pages. */
  | { readonly type: 'sync'; readonly answer: boolean; readonly claims: readonly Claim[] };
