import type { AntiEntropyStatus } from './anti-entropy.ts';
import type { WorkProgress } from './background.ts';
import type { DamageReport } from './event.ts';
import type { ExpiryPace, ExpiryStatus } from './expiry.ts';
import type { ForgettingStatus } from './forgetting.ts';
import type { HintsStatus } from './hints.ts';
import type { Outcome } from './message.ts';
import type { MovesStatus } from './moves.ts';
import type { MutationName } from './mutation.ts';
import type { RecordRepairStatus } from './record-repair.ts';
import type { RecoveryStatus } from './recovery.ts';
import type { TopologyDocument } from './topology.ts';

/** What opening the engine found, as far as replication cares. */
export interface StoreReport {
  readonly created: boolean;
  readonly clean: boolean;
  readonly tail: 'sealed' | 'ambiguous';
  /** Damage found at open. */
  readonly damaged: readonly DamageReport[];
}

export interface ReplicaCoreConfig {
  readonly nodeId: string;
  /** 32 hex digits that no other process has. */
  readonly incarnation: string;
  readonly topology: TopologyDocument;
  readonly report: StoreReport;
  /** What lies under {@link SYSTEM_STATE_KEY} in keyspace 0; the error if it cannot be read. */
  readonly system: Outcome<Uint8Array | undefined>;
  /** Numbers in [0, 1) that nobody can guess. */
  readonly random: () => number;
  /** Pause between two rounds of anti-entropy; 10 seconds unless given. */
  readonly antiEntropyEveryMs?: number;
  /** Pause between two rounds of forgetting; a minute unless given. */
  readonly forgetEveryMs?: number;
  /** When expired values are converted; as P16 says unless given. */
  readonly expiry?: ExpiryPace;
  /** Memory for the records used last; 64 MiB unless given, none for 0. */
  readonly cacheBytes?: number;
  /** Bugs for the simulator to find. */
  readonly mutations?: ReadonlySet<MutationName>;
}

/** How this node stands, for people. */
export interface ReplicaStatus {
  readonly epoch: number;
  readonly boot: number;
  readonly state: 'unverified' | 'recovering' | 'serving';
  readonly recovery: RecoveryStatus;
  readonly recordRepair: RecordRepairStatus;
  /** Pages that have left out records which the engine has not named yet. */
  readonly unnamedDamage: number;
  readonly hints: HintsStatus;
  readonly antiEntropy: AntiEntropyStatus;
  readonly forgetting: ForgettingStatus;
  readonly expiry: ExpiryStatus;
  /** Writes to records that a clock far ahead of this one had stamped. */
  readonly writesFromAhead: number;
  /** Every kind of background work, with what holds it up. */
  readonly background: readonly WorkProgress[];
  readonly moves: MovesStatus;
  /** Peer id to why it could not be reached last; empty if it could. */
  readonly peers: Readonly<Record<string, string>>;
}
