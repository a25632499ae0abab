import { forEachBounded } from './for-each-bounded.ts';
import type { Holdings } from './holdings.ts';
import { MOVE_TICK_MS, MOVES_IN_FLIGHT_MAX, TRANSFER_TIMEOUT_MS } from './limits.ts';
import type { ConfirmRequest, Outcome, PeerResponse } from './message.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import type { Move, TopologyDocument } from './topology.ts';
import { confirmationsNeeded, type MoveStep, newReplicas, oldReplicas } from './topology-moves.ts';

/** What a peer said last. */
interface Confirmation {
  readonly epoch: number;
  /** Partitions of which it is a member. */
  readonly members: ReadonlySet<number>;
}

/** How the moves of this node's partitions go on. */
export interface MovesStatus {
  /** Open moves in the cluster, and those of them that have begun. */
  readonly open: number;
  readonly begun: number;
  /** Why the first of them that this node has to move on does not go on; empty if it does, or there is none. */
  readonly stalled: string;
}

/**
 * Takes the steps of moves (P14). Whoever is in an open move asks all others in it, every tick, which epoch is durable with
 * them and whether they are members; the first live replica by the old row, or by the new one, proposes what is due. Nothing is
 * kept of it: if the proposer dies, the next one asks and proposes, and the document decides between two.
 *
 * - to `read`: enough replicas of both sets have confirmed `widen`, and every newcomer has merged what the old ones hold;
 * - to `narrow`: enough of both sets have confirmed `read`;
 * - to `done`: every new replica has confirmed `narrow`: only then the old ones may drop what they have.
 */
export class Moves {
  readonly #node: ReplicaContext;
  readonly #holdings: Holdings;
  readonly #confirmations = new Map<string, Confirmation>();
  #asking = false;
  #stalled = '';

  constructor(node: ReplicaContext, holdings: Holdings) {
    this.#node = node;
    this.#holdings = holdings;
  }

  /** Begins to tick. Call it when the node is verified. */
  run(): void {
    this.#node.desk.timer(MOVE_TICK_MS, () => {
      this.#tick();
      this.run();
    });
  }

  status(): MovesStatus {
    const { moves } = this.#node.topology();
    const open = moves.filter(({ phase }) => phase !== 'done');
    const begun = open.filter(({ phase }) => phase !== 'waiting');
    return { open: open.length, begun: begun.length, stalled: this.#stalled };
  }

  /** Answers a peer. */
  confirm({ epoch, partitions }: ConfirmRequest, respond: (outcome: Outcome<PeerResponse>) => void): void {
    const { standings, desk } = this.#node;
    if (epoch > this.#node.topology().epoch) desk.emit({ type: 'fetchTopology' });
    const members = partitions.filter((partition) => standings.isMember(partition));
    respond({ ok: true, value: { type: 'confirmed', epoch: this.#holdings.durableEpoch, members } });
  }

  /** Why a newcomer may not merge yet: those that do not write to it yet could still be believed (P14); empty if it may. */
  waits(partition: number): string {
    const topology = this.#node.topology();
    const move = topology.moves.find((each) => each.partition === partition);
    if (move?.phase !== 'widen') return '';
    return this.#areConfirmed(topology, move) ? '' : 'the other replicas have yet to confirm that they write here';
  }

  #tick(): void {
    const topology = this.#node.topology();
    const open = topology.moves.filter(({ phase }) => phase !== 'done');
    if (open.length === 0) {
      this.#stalled = '';
      return this.#confirmations.clear();
    }
    if (this.#asking) return;
    const mine = open.filter((move) => this.#peersOf(topology, move).has(this.#node.self));
    const asked = new Map<string, number[]>();
    for (const move of mine.filter(({ phase }) => phase !== 'waiting')) {
      for (const peer of this.#peersOf(topology, move)) {
        if (peer !== this.#node.self) asked.set(peer, [...(asked.get(peer) ?? []), move.partition]);
      }
    }
    this.#asking = true;
    const { epoch } = topology;
    forEachBounded(
      [...asked],
      asked.size,
      ([peer, partitions], done) =>
        sendTo(this.#node, peer, { type: 'confirm', epoch, partitions }, TRANSFER_TIMEOUT_MS, (outcome) => {
          if (outcome.ok && outcome.value.type === 'confirmed') {
            const { members } = outcome.value;
            this.#confirmations.set(peer, { epoch: outcome.value.epoch, members: new Set(members) });
          }
          done();
        }),
      () => {
        this.#asking = false;
        this.#propose();
      },
    );
  }

  #propose(): void {
    const topology = this.#node.topology();
    const open = topology.moves.filter(({ phase }) => phase !== 'done');
    let room = MOVES_IN_FLIGHT_MAX - open.filter(({ phase }) => phase !== 'waiting').length;
    this.#stalled = '';
    const steps: MoveStep[] = [];
    for (const move of open) {
      if (this.#moverOf(topology, move) !== this.#node.self) continue;
      const { partition, phase } = move;
      const why =
        phase === 'waiting' ? (room-- > 0 ? '' : 'other partitions move first') : this.#whyNot(topology, move);
      if (why === '') steps.push({ partition, from: phase });
      else if (this.#stalled === '' && phase !== 'waiting') this.#stalled = `partition ${partition}: ${why}`;
    }
    if (steps.length > 0) this.#node.desk.emit({ type: 'stepMoves', steps });
  }

  /** Why the next step is not due; empty if it is. */
  #whyNot(topology: TopologyDocument, move: Move): string {
    const { planted } = this.#node;
    const { partition, phase, epoch } = move;
    if (phase !== 'narrow' && !this.#areConfirmed(topology, move))
      return 'too few of its replicas have confirmed the last step';
    for (const keyspace of topology.keyspaces) {
      const old = oldReplicas(topology, keyspace, partition);
      for (const id of newReplicas(topology, keyspace, move)) {
        const said = this.#saidBy(id);
        if (phase === 'narrow' && said.epoch < epoch) return `${id} has yet to confirm the last step`;
        if (phase === 'widen' && !old.includes(id) && !planted('move-unmerged'))
          if (said.epoch < epoch || !said.members.has(partition)) return `${id} is still merging`;
      }
    }
    return '';
  }

  /** Any quorum of either set has a replica that refuses those who have not heard of the move's present phase. */
  #areConfirmed(topology: TopologyDocument, move: Move): boolean {
    return topology.keyspaces.every((keyspace) =>
      [oldReplicas(topology, keyspace, move.partition), newReplicas(topology, keyspace, move)].every(
        (set) => set.filter((id) => this.#saidBy(id).epoch >= move.epoch).length >= confirmationsNeeded(set.length),
      ),
    );
  }

  #saidBy(id: string): Confirmation {
    const { self, standings } = this.#node;
    if (id !== self) return this.#confirmations.get(id) ?? NOTHING;
    const members = { has: (partition: number) => standings.isMember(partition) } as ReadonlySet<number>;
    return { epoch: this.#holdings.durableEpoch, members };
  }

  #moverOf(topology: TopologyDocument, move: Move): string | undefined {
    const { peers, self } = this.#node;
    return [...this.#peersOf(topology, move)].find((id) => id === self || peers.liveness(id) !== 'dead');
  }

  /** Whoever has a part in a move, by the old row and then the new. */
  #peersOf(topology: TopologyDocument, { partition, target }: Move): ReadonlySet<string> {
    return new Set([...topology.table[partition]!, ...target].map((index) => topology.nodes[index]!.id));
  }
}

const NOTHING: Confirmation = { epoch: 0, members: new Set() };
