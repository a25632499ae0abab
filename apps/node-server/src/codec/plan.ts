import type { MessageInitShape } from '@bufbuild/protobuf';
import { StoreError } from '@ferrite/errors';
import type { Member } from '@ferrite/proto/kv';
import type { PlanSchema, TopologyChangeSchema, TopologyChange as WireChange } from '@ferrite/proto/node';
import type { NodeDescription, PlanReport, TopologyChange } from '@ferrite/replication';

/** The change a caller asks for. `ARGUMENT_INVALID` if it is none that this version knows. */
export function changeFromWire(wire: WireChange | undefined): TopologyChange {
  const change = wire?.change;
  switch (change?.case) {
    case 'join':
      return { type: 'join', node: nodeFromWire(change.value) };
    case 'leave':
    case 'drain':
    case 'resume':
      return { type: change.case, node: change.value };
    case 'replace':
      return { type: 'replace', node: change.value.node, by: nodeFromWire(change.value.by) };
    case 'reweight':
      return { type: 'reweight', node: change.value.node, weight: change.value.weight };
    case 'relocate':
      return { type: 'relocate', node: change.value.node, zone: change.value.zone, host: change.value.host };
    case 'factor': {
      const { keyspace, replicationFactor } = change.value;
      return { type: 'factor', keyspace, replicationFactor };
    }
    default:
      throw new StoreError('ARGUMENT_INVALID', { message: 'change names nothing that this version can plan' });
  }
}

export function changeToWire(change: TopologyChange): MessageInitShape<typeof TopologyChangeSchema> {
  switch (change.type) {
    case 'join':
      return { change: { case: 'join', value: nodeToWire(change.node) } };
    case 'leave':
    case 'drain':
    case 'resume':
      return { change: { case: change.type, value: change.node } };
    case 'replace':
      return { change: { case: 'replace', value: { node: change.node, by: nodeToWire(change.by) } } };
    case 'reweight':
      return { change: { case: 'reweight', value: { node: change.node, weight: change.weight } } };
    case 'relocate': {
      const { node, zone, host } = change;
      return { change: { case: 'relocate', value: { node, zone, host } } };
    }
    case 'factor': {
      const { keyspace, replicationFactor } = change;
      return { change: { case: 'factor', value: { keyspace, replicationFactor } } };
    }
  }
}

export function planToWire(report: PlanReport): MessageInitShape<typeof PlanSchema> {
  return {
    id: BigInt(report.id),
    changes: report.changes.map(changeToWire),
    moves: report.moves.map(({ partition, from, to, bytes }) => {
      return { partition, from: [...from], to: [...to], bytes: BigInt(Math.round(bytes)) };
    }),
    bytes: BigInt(Math.round(report.bytes)),
    estimatedMs: BigInt(Math.ceil(report.seconds * 1000)),
  };
}

function nodeFromWire(member: Member | undefined): NodeDescription {
  if (member === undefined) throw new StoreError('ARGUMENT_INVALID', { message: 'the node to join is missing' });
  const { id, host, zone, weight, rpcAddress, fabricAddress } = member;
  return { id, host, zone, weight, rpc: rpcAddress, fabric: fabricAddress };
}

function nodeToWire({ id, host, zone, weight, rpc, fabric }: NodeDescription) {
  return { id, host, zone, weight, rpcAddress: rpc, fabricAddress: fabric };
}
