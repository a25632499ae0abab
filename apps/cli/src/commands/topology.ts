import type { Topology } from '@ferrite/client';
import { EXIT } from '../exit-code.ts';
import { formatTable } from '../table.ts';
import { count } from '../text.ts';
import { keyspaceTable } from './keyspace.ts';
import type { Registry } from './register.ts';

export function addTopology(registry: Registry): void {
  registry.add<{ readonly partitions?: true }>(
    'topology',
    'members, partitions and keyspaces, as any one node knows them',
    ['topology', 'topology --partitions'],
    (command) => command.option('--partitions', 'list every partition with its replicas'),
    async (session, _args, { partitions }) => {
      await using client = await session.open();
      const topology = await client.topology();
      await session.print(topology, () => describe(topology, partitions === true));
      return EXIT.ok;
    },
  );
}

function describe(topology: Topology, listed: boolean): string {
  const { members, partitions } = topology;
  const rows = members.map((member, index) => [
    member.id,
    member.state,
    member.host,
    member.zone,
    `${member.weight}`,
    member.rpcAddress,
    member.fabricAddress,
    `${partitions.filter(([first]) => first === index).length}`,
    `${partitions.filter((replicas) => replicas.includes(index)).length}`,
  ]);
  const headings = ['node', 'state', 'host', 'zone', '>weight', 'rpc', 'fabric', '>first of', '>replica of'];
  const names = (replicas: readonly number[]): string => replicas.map((index) => members[index]?.id ?? '?').join(' ');
  return [
    `cluster ${topology.clusterId}, epoch ${topology.epoch}, ${count(partitions.length, 'partition')}`,
    topology.adminUrl === '' ? '\n\n' : `, admin API ${topology.adminUrl}\n\n`,
    formatTable(headings, rows),
    '\n',
    keyspaceTable(topology.keyspaces),
    listed
      ? `\n${formatTable(
          ['>partition', 'replicas'],
          partitions.map((replicas, index) => [`${index}`, names(replicas)]),
        )}`
      : '',
  ].join('');
}
