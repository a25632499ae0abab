import { createClient } from '@connectrpc/connect';
import { fromConnectError } from '@ferrite/net';
import { NodeService as AdminNodeService } from '@ferrite/proto/admin';
import type {
  ScrubStatus,
  TimeStatus,
  TopologyStoreStatus,
  NodeStatus as WireNodeStatus,
  RepairStatus as WireRepairStatus,
} from '@ferrite/proto/node';
import { NodeService } from '@ferrite/proto/node';
import type { ClusterView } from './cluster-view.ts';
import { CONTROL_MS_MAX } from './limits.ts';
import { type Member, toTopologyMember, urlOf } from './topology.ts';

/** What a node says of itself. */
export interface NodeStatus {
  readonly version: string;
  readonly epoch: bigint;
  /** How often the node has been started. */
  readonly boot: bigint;
  readonly uptimeMs: number;
  /** `serving`, `recovering`, `unverified` or `stopping`. */
  readonly state: string;
  readonly partitionsMember: number;
  readonly partitionsRecovering: number;
  readonly engine: EngineStatus;
  readonly peers: readonly PeerState[];
  /** Why the node does not serve fully; empty if it does. */
  readonly detail: string;
  readonly repair: RepairState;
  /** Absent while the node's topology store answers. */
  readonly topologyStoreAway?: { readonly why: string; readonly forMs: number };
  readonly time: TimeState;
  readonly scrub: ScrubState;
}

/** The scrub of a node's device that runs, or the last one. */
export interface ScrubState {
  readonly running: boolean;
  readonly bytes: number;
  readonly bytesTotal: number;
  /** Unix milliseconds; 0: never. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Records that could not be read, and are mended from other replicas. */
  readonly damagedRecords: number;
  /** Why the last one ended before it had seen everything; empty if it has not. */
  readonly failure: string;
}

/** What a node does by the time of day, and what it thinks of the clocks. */
export interface TimeState {
  /** Expired values made tombstones since the process began. */
  readonly expiredValues: number;
  /** How far the node's clock was from those of its peers when it asked them last, in milliseconds. */
  readonly clockOffMs: number;
  /** Why nothing that expired is converted, if something is due; it begins with `CLOCK_WRONG` where that is a fault. */
  readonly expiryStalled: string;
  /** Writes to records that a clock more than five minutes ahead had stamped. */
  readonly writesFromAhead: number;
}

/** What a node does so that its replicas hold what the others hold. */
export interface RepairState {
  /** Partitions on their way from other replicas; `stalled` says why nothing of one is, if nothing is. */
  readonly transfers: readonly {
    readonly partition: number;
    readonly from: string;
    readonly records: number;
    readonly bytes: number;
    readonly stalled: string;
  }[];
  /** Until everything is merged, in milliseconds, at the present rate; absent while that cannot be told. */
  readonly estimatedMs?: number;
  /** Records that cannot be read there and are merged from others. */
  readonly unreadableRecords: number;
  readonly unreadableStalled: string;
  /** Every kind of background work, and why it does not go on as fast as it could. */
  readonly background: readonly {
    readonly kind: string;
    readonly waiting: number;
    readonly inFlight: number;
    readonly bytesPerSecond: number;
    readonly stalled: string;
  }[];
  /** Peers that may lack something of what the node coordinated. */
  readonly hints: readonly { readonly peer: string; readonly hints: number; readonly refused: number }[];
  /** Rounds of anti-entropy; comparisons of the last one that found a difference, and that could not be made. */
  readonly rounds: number;
  readonly differing: number;
  readonly missed: number;
  readonly comparisonStalled: string;
  /** Partitions of the cluster that are to move, and those of them under way. */
  readonly movesOpen: number;
  readonly movesBegun: number;
  /** Why one that this node moves on does not go on; empty if none is held up. */
  readonly movesStalled: string;
}

/** What a node says of another. */
export interface PeerState {
  readonly id: string;
  /** It answered the last greeting; `detail` says why not. */
  readonly reachable: boolean;
  readonly detail: string;
  /** What membership holds of it: `alive`, `suspect` or `dead`; empty if the node does not say. */
  readonly liveness: string;
}

export interface EngineStatus {
  readonly device: string;
  readonly driver: string;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly records: number;
}

/** A member and, if it answered, its status; else why it did not. */
export interface NodeState {
  readonly member: Member;
  readonly status?: NodeStatus;
  readonly error?: string;
}

/** Every member of the topology, asked by itself, or through the admin API where that is the server. */
export async function nodeStates(view: ClusterView, signal: AbortSignal): Promise<readonly NodeState[]> {
  const options = { timeoutMs: CONTROL_MS_MAX, signal };
  const { members } = await view.refresh();
  const own = new Set(members.map(urlOf));
  for (const url of view.seeds.filter((seed) => !own.has(seed))) {
    try {
      const { nodes } = await createClient(AdminNodeService, view.atUrl(url).connect).listNodes({}, options);
      return nodes.flatMap(({ member, status, error }): NodeState[] =>
        member === undefined ? [] : [{ member: toTopologyMember(member), ...found(status, error) }],
      );
    } catch {
      signal.throwIfAborted();
      // The server is no admin API, or is down: the nodes answer for themselves.
    }
  }
  return await Promise.all(
    members.map(async (member): Promise<NodeState> => {
      try {
        const { status } = await createClient(NodeService, view.atUrl(urlOf(member)).connect).getStatus({}, options);
        return { member, ...found(status, 'the node gave no status') };
      } catch (error) {
        signal.throwIfAborted();
        return { member, error: fromConnectError(error).message };
      }
    }),
  );
}

function found(status: WireNodeStatus | undefined, error: string): Pick<NodeState, 'status' | 'error'> {
  if (status === undefined) return { error };
  const { engine } = status;
  return {
    status: {
      version: status.version,
      epoch: status.epoch,
      boot: status.boot,
      uptimeMs: Number(status.uptimeMs),
      state: status.state,
      partitionsMember: status.partitionsMember,
      partitionsRecovering: status.partitionsRecovering,
      engine: {
        device: engine?.device ?? '',
        driver: engine?.driver ?? '',
        capacityBytes: Number(engine?.capacityBytes ?? 0),
        usedBytes: Number(engine?.usedBytes ?? 0),
        records: Number(engine?.records ?? 0),
      },
      peers: status.peers.map(({ id, reachable, detail, liveness }) => ({ id, reachable, detail, liveness })),
      detail: status.detail,
      repair: repairOf(status.repair),
      ...awayOf(status.topologyStore),
      time: timeOf(status.time),
      scrub: scrubOf(status.scrub),
    },
  };
}

function awayOf(store: TopologyStoreStatus | undefined): Pick<NodeStatus, 'topologyStoreAway'> {
  if (store === undefined || store.away === '') return {};
  return { topologyStoreAway: { why: store.away, forMs: Number(store.awayMs) } };
}

export function scrubOf(scrub: ScrubStatus | undefined): ScrubState {
  return {
    running: scrub?.running ?? false,
    bytes: Number(scrub?.bytes ?? 0),
    bytesTotal: Number(scrub?.bytesTotal ?? 0),
    startedAtMs: Number(scrub?.startedAtMs ?? 0),
    finishedAtMs: Number(scrub?.finishedAtMs ?? 0),
    damagedRecords: Number(scrub?.damagedRecords ?? 0),
    failure: scrub?.failure ?? '',
  };
}

/** A node of an older version says nothing of its time, nor of its repair. */
function timeOf(time: TimeStatus | undefined): TimeState {
  return {
    expiredValues: Number(time?.expiredValues ?? 0),
    clockOffMs: Number(time?.clockOffMs ?? 0),
    expiryStalled: time?.expiryStalled ?? '',
    writesFromAhead: Number(time?.writesFromAhead ?? 0),
  };
}

function repairOf(repair: WireRepairStatus | undefined): RepairState {
  const { transfers = [], background = [], hints = [], estimatedMs } = repair ?? {};
  return {
    transfers: transfers.map(({ partition, from, records, bytes, stalled }) => {
      return { partition, from, records: Number(records), bytes: Number(bytes), stalled };
    }),
    ...(estimatedMs !== undefined && { estimatedMs: Number(estimatedMs) }),
    unreadableRecords: repair?.unreadableRecords ?? 0,
    unreadableStalled: repair?.unreadableStalled ?? '',
    background: background.map(({ kind, waiting, inFlight, bytesPerSecond, stalled }) => {
      return { kind, waiting, inFlight, bytesPerSecond: Number(bytesPerSecond), stalled };
    }),
    hints: hints.map((each) => ({ peer: each.peer, hints: Number(each.hints), refused: Number(each.refused) })),
    rounds: repair?.rounds ?? 0,
    differing: repair?.differing ?? 0,
    missed: repair?.missed ?? 0,
    comparisonStalled: repair?.comparisonStalled ?? '',
    movesOpen: repair?.movesOpen ?? 0,
    movesBegun: repair?.movesBegun ?? 0,
    movesStalled: repair?.movesStalled ?? '',
  };
}
