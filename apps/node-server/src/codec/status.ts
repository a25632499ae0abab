import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  RepairStatusSchema,
  ScrubStatusSchema,
  TimeStatusSchema,
  TopologyStoreStatusSchema,
} from '@ferrite/proto/node';
import type { ReplicaStatus } from '@ferrite/replication';
import type { StoreAbsence } from '../adapters/cluster-store.ts';
import type { Scrub } from '../scrubber.ts';

/** What the status says of the topology store. */
export function storeToWire(away: StoreAbsence | undefined): MessageInitShape<typeof TopologyStoreStatusSchema> {
  return away === undefined ? {} : { away: away.why, awayMs: BigInt(away.forMs) };
}

/** What the status says of the clocks and of what is done by them. */
export function timeToWire({
  expiry,
  writesFromAhead,
}: Pick<ReplicaStatus, 'expiry' | 'writesFromAhead'>): MessageInitShape<typeof TimeStatusSchema> {
  return {
    expiredValues: BigInt(expiry.converted),
    clockOffMs: BigInt(Math.round(expiry.clockOffMs)),
    expiryStalled: expiry.stalled,
    writesFromAhead: BigInt(writesFromAhead),
  };
}

export function scrubToWire(scrub: Scrub): MessageInitShape<typeof ScrubStatusSchema> {
  return {
    running: scrub.running,
    bytes: BigInt(scrub.bytes),
    bytesTotal: BigInt(scrub.bytesTotal),
    startedAtMs: BigInt(Math.round(scrub.startedAtMs)),
    finishedAtMs: BigInt(Math.round(scrub.finishedAtMs)),
    damagedRecords: BigInt(scrub.damagedRecords),
    failure: scrub.failure,
  };
}

/** What the status says of repair. */
export function repairToWire(status: ReplicaStatus): MessageInitShape<typeof RepairStatusSchema> {
  const { recovery, recordRepair, background, hints, antiEntropy, moves } = status;
  return {
    transfers: recovery.transfers.map(({ partition, from, records, bytes, stalled }) => {
      return { partition, from, records: BigInt(records), bytes: BigInt(bytes), stalled };
    }),
    ...(recovery.estimatedMs !== undefined && { estimatedMs: BigInt(Math.ceil(recovery.estimatedMs)) }),
    unreadableRecords: recordRepair.unreadable,
    unreadableStalled: recordRepair.stalled,
    background: background.map(({ kind, waiting, inFlight, operations, bytes, bytesPerSecond, stalled }) => {
      const rate = BigInt(Math.round(bytesPerSecond));
      const done = { operations: BigInt(operations), bytes: BigInt(bytes), bytesPerSecond: rate };
      return { kind, waiting, inFlight, stalled, ...done };
    }),
    hints: hints.peers.map((each) => ({ peer: each.peer, hints: BigInt(each.hints), refused: BigInt(each.refused) })),
    rounds: antiEntropy.rounds,
    differing: antiEntropy.differing,
    missed: antiEntropy.missed,
    comparisonStalled: antiEntropy.stalled,
    movesOpen: moves.open,
    movesBegun: moves.begun,
    movesStalled: moves.stalled,
  };
}
