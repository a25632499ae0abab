import type { StoreError } from '@ferrite/errors';
import type { CausalContext } from '@ferrite/vector-clock';
import type { ScanResult } from '../core/effect.ts';
import type { DamageReport } from '../core/event.ts';
import type { Claim } from '../core/membership/claim.ts';
import type { GossipMessage } from '../core/membership/gossip-message.ts';
import type { GetResult, Outcome, PeerRequest, PeerResponse, ScanPlace, WriteResult } from '../core/message.ts';
import type { ReplicaStatus, StoreReport } from '../core/replica-core.ts';
import type { Consistency, Durability, Keyspace, TopologyDocument } from '../core/topology.ts';
import type { Clock } from '../ports/clock.ts';
import type { GossipTransport } from '../ports/gossip-transport.ts';
import type { LocalStore } from '../ports/local-store.ts';
import type { Random } from '../ports/random.ts';
import type { ReplicaTransport } from '../ports/replica-transport.ts';
import type { TopologyStore } from '../ports/topology-store.ts';

/** The drivers a node is composed of. */
export interface ReplicaPorts {
  readonly store: LocalStore;
  readonly transport: ReplicaTransport;
  /** Absent: nobody is ever suspected. */
  readonly gossip?: GossipTransport;
  readonly topologyStore: TopologyStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Facts worth a log line. */
  readonly note?: (level: 'info' | 'warn', text: string, facts: Readonly<Record<string, string | number>>) => void;
}

export interface ReplicaNodeConfig {
  readonly nodeId: string;
  readonly topology: TopologyDocument;
  readonly report: StoreReport;
}

/** A read; `consistency` is the keyspace's own when absent. */
export interface GetCommand {
  readonly keyspace: string;
  readonly key: Uint8Array;
  readonly consistency?: Consistency;
  /** The answer descends from it, else `STALE_READ` (P11). */
  readonly atLeast?: CausalContext;
  readonly timeoutMs: number;
}

/** A put, or a delete (`value` absent). Without `context` a put is blind and a delete deletes what a quorum sees. */
export interface WriteCommand extends Omit<GetCommand, 'atLeast'> {
  readonly value?: Uint8Array;
  readonly context?: CausalContext;
  readonly durability?: Durability;
  /** How long a put lives, in milliseconds; absent: as long as the keyspace says. */
  readonly ttlMs?: number;
  /** The same in a write that is sent again; it then has one effect (P12). */
  readonly idempotencyToken?: Uint8Array;
}

/** A page of a scan: the records after `after` in the order (partition, hash, key), at most about `maxRecords`. */
export interface ScanCommand {
  readonly keyspace: string;
  readonly consistency?: Consistency;
  readonly after?: ScanCursor;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** Where a scan stands. */
export interface ScanCursor {
  readonly partition: number;
  /** Absent: at the partition's beginning. */
  readonly place?: ScanPlace;
}

export interface ScanPageResult {
  readonly records: ScanResult['records'];
  /** Where the next page starts; absent at the end of the keyspace. */
  readonly next: ScanCursor | undefined;
}

/** Hears once what became of a call: from the event loop, or at once. */
export type Then<T> = (outcome: Outcome<T>) => void;

/** A command whose keyspace has been looked up. */
export type KnownKeyspace<C> = Omit<C, 'keyspace'> & { readonly keyspace: Keyspace };

/** A node's calls without promises, for the few kinds that make up nearly all of its work. */
export interface ReplicaCalls {
  get(command: KnownKeyspace<GetCommand>, then: Then<GetResult>): void;
  write(command: KnownKeyspace<WriteCommand>, then: Then<WriteResult>): void;
  /** Answers a peer. */
  handle(request: PeerRequest, then: Then<PeerResponse>): void;
}

/** A node of the cluster, ready to answer. */
export interface ReplicaNode extends AsyncDisposable {
  readonly calls: ReplicaCalls;
  get(command: GetCommand): Promise<GetResult>;
  /** Puts or deletes. A `StoreError` of effect `unknown` means in doubt. */
  write(command: WriteCommand): Promise<WriteResult>;
  scanPage(command: ScanCommand): Promise<ScanPageResult>;
  /** Answers a peer. */
  handle(request: PeerRequest): Promise<PeerResponse>;
  /** Takes a membership message from a peer. */
  hear(from: string, message: GossipMessage): void;
  /** What this node holds of each other one; empty without a gossip transport. */
  members(): readonly Claim[];
  topology(): TopologyDocument;
  /** The keyspace of that name (empty: `default`), if this node has heard of it. */
  knownKeyspace(name: string): Keyspace | undefined;
  /** The same, looked up in the store if this node has not heard of it. `KEYSPACE_NOT_FOUND`. */
  keyspace(name: string): Keyspace | Promise<Keyspace>;
  /** Takes a newer version of the topology. */
  learnTopology(document: TopologyDocument): void;
  /** Takes note of something the store cannot read back ({@link DamageReport}). */
  learnDamage(report: DamageReport): void;
  /** Changes the topology by compare-and-set, again from the newest version if another writer was first. */
  changeTopology(change: (document: TopologyDocument) => TopologyDocument): Promise<TopologyDocument>;
  status(): ReplicaStatus;
  /** Settles (never rejects) with the reason if this node must stop. */
  readonly failed: Promise<StoreError>;
  /** Refuses new work, waits for what is in flight, leaves the state of a clean close. The store stays open. */
  close(): Promise<void>;
}
