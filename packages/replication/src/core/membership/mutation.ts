/** Bugs in the membership rules that the simulator can plant, each at the one line that asks for it. Production plants none. */
export type MembershipMutation =
  | 'accept-older-life'
  | 'ask-once'
  | 'confirmations-counted-twice'
  | 'dead-without-suspicion'
  | 'forget-dead'
  | 'hearsay-kills'
  | 'ignore-health'
  | 'ignore-pause'
  | 'incarnation-not-raised'
  | 'no-buddy'
  | 'no-indirect-probes'
  | 'no-refutation'
  | 'no-retelling'
  | 'probe-at-random'
  | 'stale-ack-counts'
  | 'suspicion-not-ended'
  | 'suspicion-not-restarted';

export type PlantedInMembership = (name: MembershipMutation) => boolean;
