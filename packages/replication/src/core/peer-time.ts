import { HELLO_TIMEOUT_MS } from './limits.ts';
import { majority } from './quorum.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';

/** What the peers say of the time. */
export interface PeerTime {
  /** Their median; of two in the middle the lower one: what is due by it is due by most clocks. Unix milliseconds. */
  readonly wallMs: number;
  /** How far the clock of this node is from the median, in milliseconds, of two in the middle from the further one. */
  readonly offMs: number;
}

/** What nobody may ask a peer for with a boot of its own: this only asks. */
const NO_BOOT = 0;

/** Asks all peers for the time; `then` hears `undefined` if too few answer to outvote a wrong clock. Alone, a node believes itself. */
export function askPeerTime(node: ReplicaContext, then: (time: PeerTime | undefined) => void): void {
  const { clusterId, epoch, nodes } = node.topology();
  const others = nodes.map(({ id }) => id).filter((id) => id !== node.self);
  if (others.length === 0) return then({ wallMs: node.wallMs(), offMs: 0 });
  const heard: number[] = [];
  let left = others.length;
  const question = { type: 'hello', nodeId: node.self, clusterId, incarnation: '', epoch } as const;
  for (const peer of others) {
    sendTo(node, peer, { ...question, boot: NO_BOOT, register: false }, HELLO_TIMEOUT_MS, (outcome) => {
      if (outcome.ok && outcome.value.type === 'hello') heard.push(outcome.value.wallMs);
      if (--left > 0) return;
      then(heard.length < majority(others.length) ? undefined : judge(heard, node.wallMs()));
    });
  }
}

function judge(heard: number[], ownMs: number): PeerTime {
  heard.sort((a, b) => a - b);
  const lower = heard[Math.floor((heard.length - 1) / 2)]!;
  const upper = heard[Math.floor(heard.length / 2)]!;
  return { wallMs: lower, offMs: Math.max(Math.abs(ownMs - lower), Math.abs(ownMs - upper)) };
}
