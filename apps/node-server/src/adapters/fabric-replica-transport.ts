import { type Client, createClient } from '@connectrpc/connect';
import { StoreError, unreachable } from '@ferrite/errors';
import { type FabricTransport, type Limits, openFabricTransport } from '@ferrite/net';
import { ReplicaService } from '@ferrite/proto/replica';
import type { PeerRequest, PeerResponse, ReplicaTransport, TopologyDocument } from '@ferrite/replication';
import * as repair from '../codec/repair.ts';
import * as wire from '../codec/replica.ts';

/** The fabric as the replica's way to its peers: one connection a peer, opened when first needed. */
export interface FabricReplicaTransport extends ReplicaTransport, AsyncDisposable {}

interface Peer {
  readonly transport: FabricTransport;
  readonly client: Client<typeof ReplicaService>;
}

/** Reaches peers at the fabric addresses that `topology()` names; an address that changes gets a new connection. */
export function fabricReplicaTransport(
  topology: () => TopologyDocument,
  limits: Partial<Limits>,
): FabricReplicaTransport {
  const peers = new Map<string, Peer>();

  const peerOf = (nodeId: string): Peer => {
    const address = topology().nodes.find(({ id }) => id === nodeId)?.fabric;
    if (address === undefined)
      throw new StoreError('NODE_NOT_FOUND', { message: `the topology has no node ${nodeId}` });
    const known = peers.get(address);
    if (known !== undefined) return known;
    const transport = openFabricTransport({ address, limits });
    const peer = { transport, client: createClient(ReplicaService, transport) };
    peers.set(address, peer);
    return peer;
  };

  const ask = async ({ client }: Peer, request: PeerRequest, timeoutMs: number): Promise<PeerResponse> => {
    const options = { timeoutMs };
    switch (request.type) {
      case 'write':
        return repair.wroteFromWire(await client.writeReplica(repair.writeToWire(request), options));
      case 'read': {
        const { epoch, keyspaceId, key, withFloor = false } = request;
        const question = { epoch: BigInt(epoch), keyspaceId, key, withFloor };
        return wire.readFromWire(await client.readReplica(question, options));
      }
      case 'scan':
        return wire.scanFromWire(await client.scanReplica(wire.scanRequestToWire(request), options));
      case 'coordinate':
        return wire.coordinatedFromWire(await client.coordinate(wire.coordinateToWire(request), options));
      case 'hello':
        return wire.helloResponseFromWire(await client.hello(wire.helloToWire(request), options));
      case 'roots':
        return repair.rootsFromWire(await client.treeRoots(repair.rootsRequestToWire(request), options));
      case 'branch':
        return repair.branchFromWire(await client.treeBranch(repair.branchRequestToWire(request), options));
      case 'leaves':
        return repair.leavesFromWire(await client.treeLeaves(repair.leavesRequestToWire(request), options));
      case 'forget':
        return repair.forgetFromWire(await client.forget(repair.forgetRequestToWire(request), options));
      default:
        return unreachable(request);
    }
  };

  return {
    call: async (nodeId, request, timeoutMs) => await ask(peerOf(nodeId), request, timeoutMs),
    async [Symbol.asyncDispose]() {
      await Promise.all([...peers.values()].map(({ transport }) => transport.close()));
    },
  };
}
