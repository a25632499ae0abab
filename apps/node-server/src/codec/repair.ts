import { create } from '@bufbuild/protobuf';
import {
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

function placeFromWire(place: TreePlace | undefined): { hash: bigint; key: Uint8Array } | undefined {
  return place && { hash: place.hash, key: place.key };
}
