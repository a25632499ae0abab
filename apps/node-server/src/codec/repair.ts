import { create } from '@bufbuild/protobuf';
import {
  type ForgetRequest,
  ForgetRequestSchema,
  type ForgetResponse,
  ForgetResponseSchema,
  type TreeBranchRequest,
  TreeBranchRequestSchema,
  type TreeBranchResponse,
  TreeBranchResponseSchema,
  type TreeLeavesRequest,
  TreeLeavesRequestSchema,
  type TreeLeavesResponse,
  TreeLeavesResponseSchema,
  type TreePlace,
  type TreeRootsRequest,
  TreeRootsRequestSchema,
  type TreeRootsResponse,
  TreeRootsResponseSchema,
  type WriteReplicaRequest,
  WriteReplicaRequestSchema,
  type WriteReplicaResponse,
  WriteReplicaResponseSchema,
} from '@ferrite/proto/replica';
import type { PeerRequest, PeerResponse } from '@ferrite/replication';

/** What replicas tell each other to find where they differ: domain messages to wire messages and back. */

type Request<T extends PeerRequest['type']> = Extract<PeerRequest, { readonly type: T }>;
type Response<T extends PeerResponse['type']> = Extract<PeerResponse, { readonly type: T }>;

export function rootsRequestToWire({ epoch, partitions }: Request<'roots'>): TreeRootsRequest {
  return create(TreeRootsRequestSchema, { epoch: BigInt(epoch), partitions: [...partitions] });
}

export function rootsRequestFromWire({ epoch, partitions }: TreeRootsRequest): Request<'roots'> {
  return { type: 'roots', epoch: Number(epoch), partitions };
}

export function rootsToWire({ roots }: Response<'roots'>): TreeRootsResponse {
  return create(TreeRootsResponseSchema, { roots: roots.map((root) => ({ ...root })) });
}

export function rootsFromWire({ roots }: TreeRootsResponse): Response<'roots'> {
  return {
    type: 'roots',
    roots: roots.map(({ partition, keyspaceId, root }) => ({ partition, keyspaceId, root })),
  };
}

export function branchRequestToWire({ epoch, partition, keyspaceId, node }: Request<'branch'>): TreeBranchRequest {
  return create(TreeBranchRequestSchema, { epoch: BigInt(epoch), partition, keyspaceId, node });
}

export function branchRequestFromWire({ epoch, partition, keyspaceId, node }: TreeBranchRequest): Request<'branch'> {
  return { type: 'branch', epoch: Number(epoch), partition, keyspaceId, node };
}

export function branchToWire({ children }: Response<'branch'>): TreeBranchResponse {
  return create(TreeBranchResponseSchema, { children: [...children] });
}

export function branchFromWire({ children }: TreeBranchResponse): Response<'branch'> {
  return { type: 'branch', children };
}

export function leavesRequestToWire(request: Request<'leaves'>): TreeLeavesRequest {
  const { epoch, partition, keyspaceId, bucket, after } = request;
  const rest = after && { after: { ...after } };
  return create(TreeLeavesRequestSchema, { epoch: BigInt(epoch), partition, keyspaceId, bucket, ...rest });
}

export function leavesRequestFromWire(request: TreeLeavesRequest): Request<'leaves'> {
  const { epoch, partition, keyspaceId, bucket } = request;
  return {
    type: 'leaves',
    epoch: Number(epoch),
    partition,
    keyspaceId,
    bucket,
    after: placeFromWire(request.after),
  };
}

export function leavesToWire({ leaves, next }: Response<'leaves'>): TreeLeavesResponse {
  return create(TreeLeavesResponseSchema, {
    leaves: leaves.map((leaf) => ({ ...leaf })),
    ...(next && { next: { ...next } }),
  });
}

export function leavesFromWire({ leaves, next }: TreeLeavesResponse): Response<'leaves'> {
  return { type: 'leaves', leaves: leaves.map(({ key, hash }) => ({ key, hash })), next: placeFromWire(next) };
}

export function forgetRequestToWire({ epoch, partition, records, drop }: Request<'forget'>): ForgetRequest {
  const wire = records.map((record) => ({ ...record }));
  return create(ForgetRequestSchema, { epoch: BigInt(epoch), partition, records: wire, drop });
}

export function forgetRequestFromWire({ epoch, partition, records, drop }: ForgetRequest): Request<'forget'> {
  return { type: 'forget', epoch: Number(epoch), partition, records, drop };
}

export function forgetToWire({ blocked, agreed }: Response<'forget'>): ForgetResponse {
  return create(ForgetResponseSchema, { blocked, agreed: [...agreed] });
}

export function forgetFromWire({ blocked, agreed }: ForgetResponse): Response<'forget'> {
  return { type: 'forget', blocked, agreed };
}

/** A write as the receiver takes it. */
export function writeFromWire({
  epoch,
  keyspaceId,
  key,
  record,
  memory,
  fence,
}: WriteReplicaRequest): Request<'write'> {
  return { type: 'write', epoch: Number(epoch), keyspaceId, key, record, memory, fence: Number(fence) };
}

export function writeToWire({ epoch, keyspaceId, key, record, memory, fence }: Request<'write'>): WriteReplicaRequest {
  return create(WriteReplicaRequestSchema, {
    epoch: BigInt(epoch),
    keyspaceId,
    key,
    record,
    memory,
    fence: BigInt(fence),
  });
}

export function wroteFromWire({ durable, fenced }: WriteReplicaResponse): Response<'write' | 'fenced'> {
  return fenced === 0n ? { type: 'write', durable } : { type: 'fenced', fence: Number(fenced) };
}

export function wroteToWire(response: Response<'write' | 'fenced'>): WriteReplicaResponse {
  const wire = response.type === 'write' ? { durable: response.durable } : { fenced: BigInt(response.fence) };
  return create(WriteReplicaResponseSchema, wire);
}

function placeFromWire(place: TreePlace | undefined): { hash: bigint; key: Uint8Array } | undefined {
  return place && { hash: place.hash, key: place.key };
}
