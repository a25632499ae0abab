import type { NodeState } from '@ferrite/client';
import { EXIT } from '../exit-code.ts';
import { formatTable } from '../table.ts';
import { count, formatBytes, formatMs } from '../text.ts';
import { alarmRemarks } from './alarm-remarks.ts';
import type { Registry } from './register.ts';
import { repairRemarks } from './repair-remarks.ts';

export function addStatus(registry: Registry): void {
  registry.add(
    'status',
    'what every node says of itself; a node that is down is shown as such',
    ['status', 'status --json'],
    (command) => command.addHelpText('after', '\nThe exit code is 0 if any node answers, 1 if none does.\n'),
    async (session) => {
      await using client = await session.open();
      const nodes = await client.nodes();
      const document = nodes.map(({ member, status, error }) => ({
        id: member.id,
        state: status?.state ?? 'down',
        rpcAddress: member.rpcAddress,
        fabricAddress: member.fabricAddress,
        ...status,
        ...(error !== undefined && { error }),
      }));
      await session.print({ nodes: document }, () => `${statusTable(nodes)}${remarks(nodes)}`);
      return EXIT.ok;
    },
  );
}

function statusTable(nodes: readonly NodeState[]): string {
  const rows = nodes.map(({ member, status }) => {
    if (status === undefined) return [member.id, 'down', member.rpcAddress];
    const { engine } = status;
    return [
      member.id,
      status.state,
      member.rpcAddress,
      `${status.epoch}`,
      `${status.boot}`,
      formatMs(status.uptimeMs),
      `${status.partitionsMember}`,
      `${status.partitionsRecovering}`,
      engine.records.toLocaleString('en'),
      `${formatBytes(engine.usedBytes)} of ${formatBytes(engine.capacityBytes)}`,
      engine.driver === '' ? engine.device : `${engine.device} (${engine.driver})`,
    ];
  });
  const headings = [
    'node',
    'state',
    'address',
    '>epoch',
    '>boot',
    '>up',
    '>partitions',
    '>recovering',
    '>records',
    '>used',
    'device',
  ];
  return formatTable(headings, rows);
}

function remarks(nodes: readonly NodeState[]): string {
  const lines = nodes.flatMap(({ member, status, error }) => {
    if (status === undefined) return [`${member.id}: ${error ?? 'no answer'}`];
    const away = status.peers.filter((peer) => !peer.reachable).map((peer) => peer.id);
    const gone = status.peers.filter(({ liveness }) => liveness === 'suspect' || liveness === 'dead');
    return [
      ...gone.map(({ id, liveness }) => `${member.id} holds ${id} for ${liveness}`),
      ...(status.detail === '' ? [] : [`${member.id}: ${status.detail}`]),
      ...alarmRemarks(member.id, status),
      ...repairRemarks(member.id, status.repair),
      ...(away.length === 0 ? [] : [`${member.id} does not reach ${away.join(', ')}`]),
    ];
  });
  const serving = nodes.filter(({ status }) => status?.state === 'serving').length;
  return `\n${serving} of ${count(nodes.length, 'node')} serving\n${lines.map((line) => `${line}\n`).join('')}`;
}
