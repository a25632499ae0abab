import type { LocalNode } from '../../apps/node-server/test/local-cluster.ts';

/** What one node holds of another, as `ferrite status` tells it. */
export interface PeerView {
  readonly id: string;
  readonly liveness: string;
}

/** A node that is so late to answer does not answer. */
const ANSWER_MS = 5_000;

/** What `node` holds of the others. Throws if it does not answer. */
export async function peersOf(node: LocalNode): Promise<readonly PeerView[]> {
  const response = await fetch(`${node.url}/ferrite.node.v1.NodeService/GetStatus`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  return ((await response.json()) as { status: { peers: readonly PeerView[] } }).status.peers;
}

/** A line of a node's log in which it comes to hold another for less than alive. */
export interface Verdict {
  readonly subject: string;
  readonly state: 'suspect' | 'dead';
}

/** All such lines of a log, in their order. Between two looks at `node` a suspicion can come and go; its log keeps it. */
export function verdictsIn(log: string): readonly Verdict[] {
  return [...log.matchAll(/\bnode (\S+) is held for (suspect|dead)\b/g)].map(([, subject, state]) => {
    return { subject: subject!, state: state as Verdict['state'] };
  });
}
