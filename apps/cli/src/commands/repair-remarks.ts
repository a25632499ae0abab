import type { RepairState } from '@ferrite/client';
import { count, formatBytes, formatMs } from '../text.ts';

/** So many transfers are told one by one. */
const TRANSFERS_SHOWN = 8;

/** What is on its way to a node, what waits and why; nothing of a node that has everything. */
export function repairRemarks(id: string, repair: RepairState): readonly string[] {
  const { transfers, estimatedMs, background, hints } = repair;
  const moving = transfers.slice(0, TRANSFERS_SHOWN).map(({ partition, from, records, bytes, stalled }) => {
    const done = `${count(records, 'record')}, ${formatBytes(bytes)}`;
    return `${id}: partition ${partition} from ${from}: ${done}${stalled && `; waits: ${stalled}`}`;
  });
  const more = transfers.length - moving.length;
  return [
    ...moving,
    ...(more > 0 ? [`${id}: ${count(more, 'further transfer')}`] : []),
    ...(estimatedMs === undefined || transfers.length === 0
      ? []
      : [`${id}: everything in about ${formatMs(estimatedMs)}`]),
    ...(repair.unreadableRecords === 0
      ? []
      : [`${id}: ${count(repair.unreadableRecords, 'record')} to be merged from others: ${repair.unreadableStalled}`]),
    ...background
      .filter(({ stalled }) => stalled !== '')
      .map(({ kind, waiting, bytesPerSecond, stalled }) => {
        return `${id}: ${kind}: ${waiting} waiting, ${formatBytes(bytesPerSecond)}/s: ${stalled}`;
      }),
    ...hints
      .filter((each) => each.hints + each.refused > 0)
      .map(
        (each) =>
          `${id}: ${count(each.hints, 'hint')} for ${each.peer}${each.refused > 0 ? `, ${each.refused} without room` : ''}`,
      ),
    ...(repair.movesOpen > 0
      ? [
          `${id}: ${count(repair.movesOpen, 'partition')} to move, ${repair.movesBegun} under way${repair.movesStalled && `; ${repair.movesStalled}`}`,
        ]
      : []),
    ...(repair.missed > 0
      ? [`${id}: ${count(repair.missed, 'comparison')} could not be made: ${repair.comparisonStalled}`]
      : []),
  ];
}
