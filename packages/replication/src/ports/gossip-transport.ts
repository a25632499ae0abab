import type { GossipMessage } from '../core/membership/gossip-message.ts';

/** The way of membership messages to other nodes. Node ids are those of the topology. */
export interface GossipTransport {
  /** Sends without waiting; never throws. A message may be lost, doubled or overtaken, and too many are dropped. */
  send(nodeId: string, message: GossipMessage): void;
}
