import { type ConnectError, createRouterTransport } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { toConnectError } from '@ferrite/net';
import { NodeService } from '@ferrite/proto/node';
import { expect, it } from 'vitest';
import { Nodes } from './nodes.ts';

/** Nodes of which each refuses to commit a plan for its reason. */
function refusing(errors: Readonly<Record<string, ConnectError>>): Nodes {
  return new Nodes(Object.keys(errors), (url) =>
    createRouterTransport((router) => {
      router.service(NodeService, {
        commitPlan: () => {
          throw errors[url]!;
        },
      });
    }),
  );
}

it('passes on what a node said when others were silent', async () => {
  const away = new StoreError('TOPOLOGY_UNAVAILABLE', { message: 'the topology store etcd at E does not answer' });
  const nodes = refusing({
    'http://a': toConnectError(away),
    'http://b': toConnectError(new StoreError('FABRIC_UNAVAILABLE')),
  });
  await expect(nodes.any((link) => link.node.commitPlan({ id: 1n }))).rejects.toThrow(
    /TOPOLOGY_UNAVAILABLE: the topology store etcd at E does not answer\. Data is served as before; bring the store back/,
  );
});

it('names every node when none said anything', async () => {
  const nodes = refusing({ 'http://a': toConnectError(new StoreError('FABRIC_UNAVAILABLE')) });
  await expect(nodes.any((link) => link.node.commitPlan({ id: 1n }))).rejects.toThrow(
    /no node answered \(http:\/\/a: FABRIC_UNAVAILABLE\)/,
  );
});
