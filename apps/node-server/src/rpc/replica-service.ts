import type { ServiceImpl } from '@connectrpc/connect';
import { invariant } from '@ferrite/errors';
import type { ReplicaService } from '@ferrite/proto/replica';
import type { PeerRequest, PeerResponse, ReplicaNode } from '@ferrite/replication';
import * as repair from '../codec/repair.ts';
import * as wire from '../codec/replica.ts';

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
    async forget(request) {
      return repair.forgetToWire(await ask(repair.forgetRequestFromWire(request), 'forget'));
    },
    async hello(request) {
      return wire.helloResponseToWire(await ask(wire.helloFromWire(request), 'hello'));
    },
  };
}
