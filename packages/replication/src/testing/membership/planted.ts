import type { MembershipMutation } from '../../core/membership/mutation.ts';
import type { MembershipPreset } from './run-membership.ts';

/** Every bug that can be planted in the membership rules, and the preset that finds it. */
export const MEMBERSHIP_BUGS: Readonly<Record<MembershipMutation, MembershipPreset>> = {
  'accept-older-life': 'kill',
  'ask-once': 'deaf',
  'confirmations-counted-twice': 'kill',
  'dead-without-suspicion': 'pauses',
  'forget-dead': 'partition',
  'hearsay-kills': 'partition',
  'ignore-health': 'fading',
  'ignore-pause': 'long-pause',
  'incarnation-not-raised': 'pauses',
  'no-buddy': 'partition',
  'no-indirect-probes': 'loss',
  'no-refutation': 'pauses',
  'no-retelling': 'kill',
  'probe-at-random': 'kill',
  'stale-ack-counts': 'loss',
  'suspicion-not-ended': 'pauses',
  'suspicion-not-restarted': 'deaf',
};
