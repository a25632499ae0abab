import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('offers exactly these names', () => {
  expect(Object.keys(surface).sort()).toEqual([
    'ReplicaCore',
    'TTL_MS_MAX',
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
