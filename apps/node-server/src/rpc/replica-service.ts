import { create, type DescMethodUnary, toBinary } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { invariant } from '@ferrite/errors';
import type { DirectMethod } from '@ferrite/net';
import { ReadReplicaResponseSchema, ReplicaService } from '@ferrite/proto/replica';
import type { PeerRequest, PeerResponse, ReplicaNode } from '@ferrite/replication';
import * as repair from '../codec/repair.ts';
import * as wire from '../codec/replica.ts';
import { decodeRead, decodeWrite, encodeReadAnswer, encodeWritten } from '../codec/replica-wire.ts';

/** What other nodes ask; served on the fabric port only. */
export function replicaService(replica: ReplicaNode, defaultTimeoutMs: number): ServiceImpl<typeof ReplicaService> {
  const ask = async <T extends PeerResponse['type']>(
    request: PeerRequest,
    ...types: T[]
  ): Promise<Extract<PeerResponse, { type: T }>> => {
    const response = await replica.handle(request);
    invariant(
      (types as string[]).includes(response.type),
      'INV-NODE-1',
      `${request.type} was answered with ${response.type}`,
    );
    return response as Extract<PeerResponse, { type: T }>;
  };
  return {
    async writeReplica(request) {
      return repair.wroteToWire(await ask(repair.writeFromWire(request), 'write', 'fenced'));
    },
    async readReplica({ epoch, keyspaceId, key, withFloor }) {
      const request = { type: 'read', epoch: Number(epoch), keyspaceId, key, withFloor } as const;
      return wire.readToWire(await ask(request, 'read'));
    },
    async scanReplica(request) {
      return wire.scanToWire(await ask(wire.scanRequestFromWire(request), 'scan'));
    },
    async coordinate(request, context) {
      const timeoutMs = context.timeoutMs() ?? defaultTimeoutMs;
      return wire.coordinatedToWire(await ask(wire.coordinateFromWire(request, timeoutMs), 'got', 'wrote'));
    },
    async treeRoots(request) {
      return repair.rootsToWire(await ask(repair.rootsRequestFromWire(request), 'roots'));
    },
    async treeBranch(request) {
      return repair.branchToWire(await ask(repair.branchRequestFromWire(request), 'branch'));
    },
    async treeLeaves(request) {
      return repair.leavesToWire(await ask(repair.leavesRequestFromWire(request), 'leaves'));
    },
    async confirm({ epoch, partitions }) {
      const { epoch: durable, members } = await ask({ type: 'confirm', epoch: Number(epoch), partitions }, 'confirmed');
      return { epoch: BigInt(durable), members: [...members] };
    },
    async forget(request) {
      return repair.forgetToWire(await ask(repair.forgetRequestFromWire(request), 'forget'));
    },
    async hello(request) {
      return wire.helloResponseToWire(await ask(wire.helloFromWire(request), 'hello'));
    },
  };
}

/** The same two answers that make up nearly all of the traffic, from the bytes of their requests. */
export function replicaDirect({ calls }: ReplicaNode): ReadonlyMap<DescMethodUnary, DirectMethod> {
  const answerWith =
    <T extends PeerRequest>(
      decode: (request: Buffer) => T | undefined,
      encode: (response: PeerResponse) => Uint8Array,
    ): DirectMethod =>
    (bytes, call) => {
      const request = decode(bytes);
      if (request === undefined) return false;
      calls.handle(request, (outcome) => {
        if (outcome.ok) call.answer(encode(outcome.value));
        else call.fail(outcome.error);
      });
      return true;
    };
  return new Map<DescMethodUnary, DirectMethod>([
    [ReplicaService.method.writeReplica, answerWith(decodeWrite, writtenTo)],
    [ReplicaService.method.readReplica, answerWith(decodeRead, readTo)],
  ]);
}

function writtenTo(response: PeerResponse): Uint8Array {
  invariant(response.type === 'write' || response.type === 'fenced', 'INV-NODE-1', `a write got ${response.type}`);
  return encodeWritten(response);
}

function readTo(response: PeerResponse): Uint8Array {
  invariant(response.type === 'read', 'INV-NODE-1', `a read got ${response.type}`);
  if (response.floor === undefined) return encodeReadAnswer(response);
  return toBinary(ReadReplicaResponseSchema, create(ReadReplicaResponseSchema, wire.readToWire(response)));
}
