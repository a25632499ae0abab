import { createClient } from '@connectrpc/connect';
import { fromConnectError } from '@ferrite/net';
import { NodeService as AdminNodeService } from '@ferrite/proto/admin';
import type { NodeStatus as WireNodeStatus } from '@ferrite/proto/node';
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
    },
  };
}
