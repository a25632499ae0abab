import type { ServiceImpl } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import type { KeyspaceService } from '@ferrite/proto/admin';
import type { Nodes } from '../nodes.ts';

/** Long enough for a compare-and-set race between several writers. */
const CHANGE_TIMEOUT_MS = 10_000;

/** `ferrite.admin.v1.KeyspaceService`: reads come from the topology, changes are carried out by a node. */
export function keyspaceService(nodes: Nodes): ServiceImpl<typeof KeyspaceService> {
  const options = { timeoutMs: CHANGE_TIMEOUT_MS };
  return {
    listKeyspaces: async () => ({ keyspaces: (await nodes.topology()).keyspaces }),
    getKeyspace: async ({ name }) => {
      const keyspace = (await nodes.topology()).keyspaces.find((candidate) => candidate.name === name);
      if (keyspace === undefined)
        throw new StoreError('KEYSPACE_NOT_FOUND', { message: `there is no keyspace "${name}"` });
      return { keyspace };
    },
    createKeyspace: async ({ keyspace }) => {
      const answer = await nodes.any((link) => link.node.createKeyspace({ ...(keyspace && { keyspace }) }, options));
      return { ...(answer.keyspace && { keyspace: answer.keyspace }) };
    },
    updateKeyspace: async ({ keyspace }) => {
      const answer = await nodes.any((link) => link.node.updateKeyspace({ ...(keyspace && { keyspace }) }, options));
      return { ...(answer.keyspace && { keyspace: answer.keyspace }) };
    },
    deleteKeyspace: async ({ name }) => {
      await nodes.any((link) => link.node.deleteKeyspace({ name }, options));
      return {};
    },
  };
}
