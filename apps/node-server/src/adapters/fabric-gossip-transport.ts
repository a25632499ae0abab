import { type Client, createClient } from '@connectrpc/connect';
import { type FabricTransport, type Limits, openFabricTransport } from '@ferrite/net';
import { MembershipService } from '@ferrite/proto/membership';
import type { GossipTransport, TopologyDocument } from '@ferrite/replication';
import { gossipToWire } from '../codec/membership.ts';

/** A message that is not delivered by then is of no use any more, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** Messages under way to one peer; what comes on top is dropped, as a network would. */
const IN_FLIGHT_MAX = 64;

/** The fabric as the way of membership messages: a connection a peer, so that no probe waits behind a large value. */
export interface FabricGossipTransport extends GossipTransport, AsyncDisposable {}

interface Peer {
  readonly transport: FabricTransport;
  readonly client: Client<typeof MembershipService>;
  inFlight: number;
}

/** Sends as the node `self`, to the fabric addresses that `topology()` names; what leads nowhere any more is closed. */
export function fabricGossipTransport(
  self: string,
  topology: () => TopologyDocument,
  limits: Partial<Limits>,
): FabricGossipTransport {
  const peers = new Map<string, Peer>();
  let known: TopologyDocument | undefined;

  const forgetOldAddresses = (): void => {
    const document = topology();
    if (document === known) return;
    known = document;
    const addresses = new Set(document.nodes.map(({ fabric }) => fabric));
    for (const [address, peer] of peers) {
      if (addresses.has(address)) continue;
      peers.delete(address);
      void peer.transport.close();
    }
  };

  const peerOf = (nodeId: string): Peer | undefined => {
    forgetOldAddresses();
    const address = topology().nodes.find(({ id }) => id === nodeId)?.fabric;
    if (address === undefined) return undefined;
    let peer = peers.get(address);
    if (peer === undefined) {
      const transport = openFabricTransport({ address, limits });
      peer = { transport, client: createClient(MembershipService, transport), inFlight: 0 };
      peers.set(address, peer);
    }
    return peer;
  };

  return {
    send(nodeId, message) {
      const peer = peerOf(nodeId);
      if (peer === undefined || peer.inFlight >= IN_FLIGHT_MAX) return;
      peer.inFlight++;
      const settled = (): void => {
        peer.inFlight--;
      };
      // A message that does not arrive is what the protocol is made for: the probe that it belongs to fails.
      peer.client.gossip(gossipToWire(self, message), { timeoutMs: TIMEOUT_MS }).then(settled, settled);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...peers.values()].map(({ transport }) => transport.close()));
    },
  };
}
