import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ForgetRequestSchema,
  ForgetResponseSchema,
  TreeBranchRequestSchema,
  TreeBranchResponseSchema,
  TreeLeavesRequestSchema,
  TreeLeavesResponseSchema,
  TreeRootsRequestSchema,
  TreeRootsResponseSchema,
  WriteReplicaRequestSchema,
  WriteReplicaResponseSchema,
} from '@ferrite/proto/replica';
import { expect, it } from 'vitest';
import * as repair from './repair.ts';

const place = { hash: 2n ** 64n - 1n, key: Uint8Array.of(1, 2) };

it.each([{ partitions: [] }, { partitions: [0, 65_535] }])('carries a question for roots of $partitions', (more) => {
  const request = { type: 'roots', epoch: 7, ...more } as const;
  const bytes = toBinary(TreeRootsRequestSchema, repair.rootsRequestToWire(request));
  expect(repair.rootsRequestFromWire(fromBinary(TreeRootsRequestSchema, bytes))).toEqual(request);
});

it('carries roots', () => {
  const response = { type: 'roots', roots: [{ partition: 3, keyspaceId: 1, root: 2n ** 63n }] } as const;
  const bytes = toBinary(TreeRootsResponseSchema, repair.rootsToWire(response));
  expect(repair.rootsFromWire(fromBinary(TreeRootsResponseSchema, bytes))).toEqual(response);
});

it('carries the children of a node', () => {
  const request = { type: 'branch', epoch: 7, partition: 3, keyspaceId: 1, node: 16 } as const;
  const asked = toBinary(TreeBranchRequestSchema, repair.branchRequestToWire(request));
  expect(repair.branchRequestFromWire(fromBinary(TreeBranchRequestSchema, asked))).toEqual(request);
  const response = { type: 'branch', children: [0n, 1n, 2n ** 64n - 1n] } as const;
  const told = toBinary(TreeBranchResponseSchema, repair.branchToWire(response));
  expect(repair.branchFromWire(fromBinary(TreeBranchResponseSchema, told))).toEqual(response);
});

it.each([undefined, place])('carries leaves after %o', (at) => {
  const request = { type: 'leaves', epoch: 7, partition: 3, keyspaceId: 1, bucket: 255, after: at } as const;
  const asked = toBinary(TreeLeavesRequestSchema, repair.leavesRequestToWire(request));
  expect(repair.leavesRequestFromWire(fromBinary(TreeLeavesRequestSchema, asked))).toEqual(request);
  const response = { type: 'leaves', leaves: [{ key: Uint8Array.of(9), hash: 5n }], next: at } as const;
  const told = toBinary(TreeLeavesResponseSchema, repair.leavesToWire(response));
  expect(repair.leavesFromWire(fromBinary(TreeLeavesResponseSchema, told))).toEqual(response);
});

it.each([true, false])('carries what is to be forgotten, drop %s', (drop) => {
  const records = [{ keyspaceId: 1, key: Uint8Array.of(1), record: Uint8Array.of(2, 3) }];
  const request = { type: 'forget', epoch: 7, partition: 3, records, drop } as const;
  const asked = toBinary(ForgetRequestSchema, repair.forgetRequestToWire(request));
  expect(repair.forgetRequestFromWire(fromBinary(ForgetRequestSchema, asked))).toMatchObject(request);
  const response = { type: 'forget', blocked: drop ? '' : 'why', agreed: drop ? [0, 7] : [] } as const;
  const told = toBinary(ForgetResponseSchema, repair.forgetToWire(response));
  expect(repair.forgetFromWire(fromBinary(ForgetResponseSchema, told))).toEqual(response);
});

it('carries a record with its fence, and a refusal with the new one', () => {
  const [key, record, fence] = [Uint8Array.of(1), Uint8Array.of(2), 2 ** 52 - 1];
  const request = { type: 'write', epoch: 7, keyspaceId: 1, key, record, memory: true, fence } as const;
  const asked = toBinary(WriteReplicaRequestSchema, repair.writeToWire(request));
  expect(repair.writeFromWire(fromBinary(WriteReplicaRequestSchema, asked))).toEqual(request);
  for (const response of [
    { type: 'write', durable: true },
    { type: 'write', durable: false },
    { type: 'fenced', fence },
  ] as const) {
    const told = toBinary(WriteReplicaResponseSchema, repair.wroteToWire(response));
    expect(repair.wroteFromWire(fromBinary(WriteReplicaResponseSchema, told))).toEqual(response);
  }
});
