import { fromBinary } from '@bufbuild/protobuf';
import { type Client, createClient } from '@connectrpc/connect';
import { StoreError, unreachable } from '@ferrite/errors';
import {
  type FabricTransport,
  fromConnectError,
  type Limits,
  openFabricTransport,
  unreadableAnswer,
} from '@ferrite/net';
import { ReadReplicaResponseSchema, ReplicaService, WriteReplicaResponseSchema } from '@ferrite/proto/replica';
import type { Outcome, PeerRequest, PeerResponse, ReplicaTransport, TopologyDocument } from '@ferrite/replication';
import * as repair from '../codec/repair.ts';
import * as wire from '../codec/replica.ts';
import * as hot from '../codec/replica-wire.ts';

const WRITE = ReplicaService.method.writeReplica;
const READ = ReplicaService.method.readReplica;

const writtenFrom = (message: Buffer): PeerResponse =>
  hot.decodeWritten(message) ?? repair.wroteFromWire(fromBinary(WriteReplicaResponseSchema, message));
const readFrom = (message: Buffer): PeerResponse =>
  hot.decodeReadAnswer(message) ?? wire.readFromWire(fromBinary(ReadReplicaResponseSchema, message));

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

  /** What makes up nearly all of the traffic. */
  const askDirect = (
    { transport }: Peer,
    request: Extract<PeerRequest, { readonly type: 'read' | 'write' }>,
    timeoutMs: number,
    then: (outcome: Outcome<PeerResponse>) => void,
  ): void => {
    const { method, encode, decode } =
      request.type === 'write'
        ? { method: WRITE, encode: () => hot.encodeWrite(request), decode: writtenFrom }
        : { method: READ, encode: () => hot.encodeRead(request), decode: readFrom };
    transport.call(method, encode, timeoutMs, (failed, message) => {
      if (message === undefined) return then({ ok: false, error: fromConnectError(failed) });
      let value: PeerResponse;
      try {
        value = decode(message);
      } catch (cause) {
        return then({ ok: false, error: unreadableAnswer(method, cause) });
      }
      then({ ok: true, value });
    });
  };

  const ask = async (
    { client }: Peer,
    request: Exclude<PeerRequest, { readonly type: 'read' | 'write' }>,
    timeoutMs: number,
  ): Promise<PeerResponse> => {
    const options = { timeoutMs };
    switch (request.type) {
      case 'scan':
        return wire.scanFromWire(await client.scanReplica(wire.scanRequestToWire(request), options));
      case 'coordinate':
        return wire.coordinatedFromWire(await client.coordinate(wire.coordinateToWire(request), options));
      case 'hello':
        return wire.helloResponseFromWire(await client.hello(wire.helloToWire(request), options));
      case 'confirm': {
        const question = { epoch: BigInt(request.epoch), partitions: [...request.partitions] };
        const { epoch, members } = await client.confirm(question, options);
        return { type: 'confirmed', epoch: Number(epoch), members };
      }
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
    call(nodeId, request, timeoutMs, then) {
      let peer: Peer;
      try {
        peer = peerOf(nodeId);
      } catch (error) {
        return then({ ok: false, error: StoreError.from(error) });
      }
      if (request.type === 'write' || request.type === 'read') return askDirect(peer, request, timeoutMs, then);
      ask(peer, request, timeoutMs).then(
        (value) => then({ ok: true, value }),
        (error: unknown) => then({ ok: false, error: StoreError.from(error) }),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...peers.values()].map(({ transport }) => transport.close()));
    },
  };
}
