import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('offers exactly these names', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'ReplicaCore',
    'TTL_MS_MAX',
    'commitPlan',
    'createKeyspace',
    'decodeVersions',
    'deleteKeyspace',
    'describePlan',
    'discardPlan',
    'encodeVersions',
    'formTopology',
    'keyspaceNamed',
    'openReplicaNode',
    'parseTopology',
    'partitionEpoch',
    'partitionOfKey',
    'planChange',
    'replicaSetsOf',
    'replicasOf',
    'rowOfReads',
    'serializeTopology',
    'stepMoves',
    'updateKeyspace',
  ]);
});
