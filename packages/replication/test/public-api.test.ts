import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('offers exactly these names', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'ReplicaCore',
    'createKeyspace',
    'decodeVersions',
    'deleteKeyspace',
    'encodeVersions',
    'formTopology',
    'keyspaceNamed',
    'openReplicaNode',
    'parseTopology',
    'partitionOfKey',
    'replicasOf',
    'serializeTopology',
    'updateKeyspace',
  ]);
});
