import type { ServiceImpl } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { fromConnectError } from '@ferrite/net';
import type { NodeService } from '@ferrite/proto/admin';
import type { Member } from '@ferrite/proto/kv';
import type { NodeStatus } from '@ferrite/proto/node';
import { NODE_TIMEOUT_MS, type Nodes, urlOf } from '../nodes.ts';

interface NodeView {
  readonly member: Member;
  readonly reachable: boolean;
  readonly status?: NodeStatus;
  readonly error: string;
}

/** `ferrite.admin.v1.NodeService`: every member of the topology, asked itself; one that does not answer is shown so. */
export function nodeService(nodes: Nodes): ServiceImpl<typeof NodeService> {
  const view = async (member: Member): Promise<NodeView> => {
    try {
      const { status } = await nodes.link(urlOf(member)).node.getStatus({}, { timeoutMs: NODE_TIMEOUT_MS });
      return { member, reachable: true, ...(status && { status }), error: '' };
    } catch (cause) {
      return { member, reachable: false, error: fromConnectError(cause).message };
    }
  };
  const memberNamed = async (id: string): Promise<Member> => {
    const member = (await nodes.topology()).members.find((candidate) => candidate.id === id);
    if (member === undefined) throw new StoreError('NODE_NOT_FOUND', { message: `there is no node "${id}"` });
    return member;
  };
  return {
    listNodes: async () => ({ nodes: await Promise.all((await nodes.topology()).members.map(view)) }),
    getNode: async ({ id }) => ({ node: await view(await memberNamed(id)) }),
    scrubNode: async ({ id, bytesPerSecond }) => {
      const { node } = nodes.link(urlOf(await memberNamed(id)));
      const { scrub } = await node.scrubNode({ bytesPerSecond }, { timeoutMs: NODE_TIMEOUT_MS });
      return { ...(scrub && { scrub }) };
    },
  };
}
