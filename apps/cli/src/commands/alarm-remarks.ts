import type { NodeStatus } from '@ferrite/client';
import { count, formatMs } from '../text.ts';

const SET_CLOCKS = 'set the clocks of all nodes by NTP';

/** What an operator must see to: a topology store that does not answer, clocks that are wrong. Nothing of a node without worries. */
export function alarmRemarks(
  id: string,
  { topologyStoreAway: store, time }: Pick<NodeStatus, 'topologyStoreAway' | 'time'>,
): readonly string[] {
  const { expiryStalled, writesFromAhead } = time;
  const mend = expiryStalled.startsWith('CLOCK_WRONG') ? `; ${SET_CLOCKS}` : '';
  return [
    ...(store === undefined ? [] : [`${id}: for ${formatMs(store.forMs)}: ${store.why}`]),
    ...(expiryStalled === '' ? [] : [`${id}: expired values stay on the device: ${expiryStalled}${mend}`]),
    ...(writesFromAhead === 0
      ? []
      : [
          `${id}: CLOCK_AHEAD: since it started, ${count(writesFromAhead, 'write')} to records stamped by a clock over five minutes ahead of its own; ${SET_CLOCKS}`,
        ]),
  ];
}
