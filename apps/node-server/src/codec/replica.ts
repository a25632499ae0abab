import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { invariant, StoreError } from '@ferrite/errors';
import {
  type CoordinateRequest,
  CoordinateRequestSchema,
  type CoordinateResponse,
  type HelloRequest,
  type HelloResponse,
  type ReadReplicaResponse,
  type ScanReplicaRequest,
  type ScanReplicaResponse,
  ScanReplicaResponseSchema,
  type Standing as WireStanding,
  Standing as WireStandings,
} from '@ferrite/proto/replica';
import type { Consistency, CoordinatedOp, PeerRequest, PeerResponse, Standing } from '@ferrite/replication';
import { actorIdFromBytes, actorIdToBytes, decodeContext, encodeContext } from '@ferrite/vector-clock';

/** Domain messages to wire messages and back. Record bytes pass through untouched. */

type Request<T extends PeerRequest['type']> = Extract<PeerRequest, { readonly type: T }>;
type Response<T extends PeerResponse['type']> = Extract<PeerResponse, { readonly type: T }>;

const STANDINGS: Readonly<Record<Standing, WireStanding>> = {
  member: WireStandings.MEMBER,
  ambiguous: WireStandings.AMBIGUOUS,
  recovering: WireStandings.RECOVERING,
  unverified: WireStandings.UNVERIFIED,
  unreadable: WireStandings.UNREADABLE,
};
const OF_WIRE: ReadonlyMap<WireStanding, Standing> = new Map(
  Object.entries(STANDINGS).map(([standing, wire]) => [wire, standing as Standing]),
);
const CONSISTENCIES: readonly (Consistency | undefined)[] = [undefined, 'ONE', 'QUORUM', 'ALL'];

export function standingToWire(standing: Standing): WireStanding {
  return STANDINGS[standing];
}

/** A standing this version does not know counts as the least. */
export function standingFromWire(standing: WireStanding): Standing {
  return OF_WIRE.get(standing) ?? 'unverified';
}

export function readFromWire(response: ReadReplicaResponse): Response<'read'> {
  const floor = response.floor && {
    actor: actorIdFromBytes(response.floor.actor),
    counter: Number(response.floor.counter),
  };
  return { type: 'read', record: response.record, standing: standingFromWire(response.standing), floor };
}

export function readToWire({ record, standing, floor }: Response<'read'>): {
  record: Uint8Array;
  standing: WireStanding;
  floor?: { actor: Uint8Array; counter: bigint };
} {
  const told = floor && { actor: actorIdToBytes(floor.actor), counter: BigInt(floor.counter) };
  return { record, standing: standingToWire(standing), ...(told && { floor: told }) };
}

export function scanRequestFromWire(request: ScanReplicaRequest): Request<'scan'> {
  const { after } = request;
  return {
    type: 'scan',
    epoch: Number(request.epoch),
    keyspaceId: request.keyspaceId,
    partition: request.partition,
    after: after && { keyspaceId: after.keyspaceId, hash: after.hash, key: after.key },
    maxRecords: request.maxRecords,
    maxBytes: request.maxBytes,
  };
}

export function scanRequestToWire({ epoch, keyspaceId, partition, after, maxRecords, maxBytes }: Request<'scan'>): {
  epoch: bigint;
  keyspaceId: number;
  partition: number;
  maxRecords: number;
  maxBytes: number;
  after?: { keyspaceId: number; hash: bigint; key: Uint8Array };
} {
  return { epoch: BigInt(epoch), keyspaceId, partition, maxRecords, maxBytes, ...(after && { after: { ...after } }) };
}

export function scanFromWire({ records, more, standing, unreadable }: ScanReplicaResponse): Response<'scan'> {
  return { type: 'scan', records, more, standing: standingFromWire(standing), unreadable };
}

export function scanToWire({ records, more, standing, unreadable }: Response<'scan'>): ScanReplicaResponse {
  const wire = records.map(({ keyspaceId, key, record }) => ({ keyspaceId, key, record }));
  return create(ScanReplicaResponseSchema, {
    records: wire,
    more,
    standing: standingToWire(standing),
    unreadable: unreadable.map((name) => ({ ...name })),
  });
}

export function coordinateToWire({ epoch, keyspaceId, key, op }: Request<'coordinate'>): CoordinateRequest {
  return create(CoordinateRequestSchema, { epoch: BigInt(epoch), keyspaceId, key, op: opToWire(op) });
}

/** `ARGUMENT_INVALID` for an operation or a context that no node sends. */
export function coordinateFromWire(request: CoordinateRequest, timeoutMs: number): Request<'coordinate'> {
  const { keyspaceId, key } = request;
  return { type: 'coordinate', epoch: Number(request.epoch), keyspaceId, key, op: opFromWire(request), timeoutMs };
}

export function coordinatedFromWire({ result }: CoordinateResponse): PeerResponse {
  if (result.case === 'record') return { type: 'got', record: result.value };
  invariant(result.case === 'write', 'INV-NODE-1', 'a coordinated operation is answered');
  const { context, ackedReplicas: acked, durableReplicas: durable, hintedReplicas: hinted } = result.value;
  return { type: 'wrote', result: { context: decodeContext(context), acked, durable, hinted } };
}

export function coordinatedToWire(response: Response<'got' | 'wrote'>): MessageResult {
  if (response.type === 'got') return { result: { case: 'record', value: response.record } };
  const { context, acked, durable, hinted } = response.result;
  const value = {
    context: encodeContext(context),
    ackedReplicas: acked,
    durableReplicas: durable,
    hintedReplicas: hinted,
  };
  return { result: { case: 'write', value } };
}

type MessageResult =
  | { result: { case: 'record'; value: Uint8Array } }
  | {
      result: {
        case: 'write';
        value: { context: Uint8Array; ackedReplicas: number; durableReplicas: number; hintedReplicas: number };
      };
    };

export function helloFromWire(request: HelloRequest): Request<'hello'> {
  const { nodeId, clusterId, boot, incarnation, epoch, register } = request;
  return {
    type: 'hello',
    nodeId,
    clusterId,
    boot: Number(boot),
    incarnation: hex(incarnation),
    epoch: Number(epoch),
    register,
  };
}

export function helloToWire({ nodeId, clusterId, boot, incarnation, epoch, register }: Request<'hello'>): {
  nodeId: string;
  clusterId: string;
  boot: bigint;
  incarnation: Uint8Array;
  epoch: bigint;
  register: boolean;
} {
  return { nodeId, clusterId, boot: BigInt(boot), incarnation: fromHex(incarnation), epoch: BigInt(epoch), register };
}

export function helloResponseFromWire(response: HelloResponse): Response<'hello'> {
  return {
    type: 'hello',
    nodeId: response.nodeId,
    boot: Number(response.boot),
    incarnation: hex(response.incarnation),
    epoch: Number(response.epoch),
    knownBoot: Number(response.knownBoot),
    knownIncarnation: hex(response.knownIncarnation),
    fence: Number(response.fence),
    wallMs: Number(response.wallMs),
    clientOps: response.clientOps,
  };
}

export function helloResponseToWire(response: Response<'hello'>): {
  nodeId: string;
  boot: bigint;
  incarnation: Uint8Array;
  epoch: bigint;
  knownBoot: bigint;
  knownIncarnation: Uint8Array;
  fence: bigint;
  wallMs: bigint;
  clientOps: number;
} {
  return {
    nodeId: response.nodeId,
    boot: BigInt(response.boot),
    incarnation: fromHex(response.incarnation),
    epoch: BigInt(response.epoch),
    knownBoot: BigInt(response.knownBoot),
    knownIncarnation: fromHex(response.knownIncarnation),
    fence: BigInt(response.fence),
    wallMs: BigInt(Math.floor(response.wallMs)),
    clientOps: response.clientOps,
  };
}

function opToWire(op: CoordinatedOp): NonNullable<MessageInitShape<typeof CoordinateRequestSchema>['op']> {
  const consistency = CONSISTENCIES.indexOf(op.consistency);
  if (op.op === 'get') return { case: 'get', value: { consistency } };
  const context = op.context && { context: encodeContext(op.context) };
  return {
    case: op.op,
    value: {
      value: op.value,
      ...context,
      consistency,
      memory: op.memory,
      ttlMs: BigInt(op.ttlMs),
      ...(op.token !== undefined && { token: op.token }),
    },
  };
}

function opFromWire({ op }: CoordinateRequest): CoordinatedOp {
  const consistency = op.case === undefined ? undefined : CONSISTENCIES[op.value.consistency];
  if (op.case === undefined || consistency === undefined) {
    throw new StoreError('ARGUMENT_INVALID', { message: 'the operation to coordinate is not known' });
  }
  if (op.case === 'get') return { op: 'get', consistency };
  const { value, context, memory, token } = op.value;
  const ttlMs = Number(op.value.ttlMs);
  return { op: op.case, value, context: context && decodeContext(context), consistency, memory, ttlMs, token };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function fromHex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}
