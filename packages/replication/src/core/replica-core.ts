import { StoreError } from '@ferrite/errors';
import { Actors } from './actors.ts';
import { AntiEntropy } from './anti-entropy.ts';
import { Background } from './background.ts';
import { ClientLoad } from './client-load.ts';
import { Damage } from './damage.ts';
import { DeletedKeyspaces } from './deleted-keyspaces.ts';
import { Desk, expectAnswer } from './desk.ts';
import type { Effect } from './effect.ts';
import type { Event } from './event.ts';
import { EXPIRY_PACE, Expiry } from './expiry.ts';
import { Fences } from './fences.ts';
import { Forgetting } from './forgetting.ts';
import { Hints } from './hints.ts';
import { Holdings } from './holdings.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import {
  ANTI_ENTROPY_EVERY_MS,
  CACHE_BYTES,
  FORGET_EVERY_MS,
  HELLO_TIMEOUT_MS,
  REGISTER_TIMEOUT_MS,
  SYSTEM_KEYSPACE,
} from './limits.ts';
import { LocalRecords } from './local-records.ts';
import { PeerView } from './membership/peer-view.ts';
import { MerkleTrees } from './merkle-trees.ts';
import type { PeerRequest } from './message.ts';
import { Moves } from './moves.ts';
import type { Planted } from './mutation.ts';
import { Operations } from './operations.ts';
import { PeerService } from './peer-service.ts';
import { decodeVersions, type Versions } from './record.ts';
import { RecordKey } from './record-key.ts';
import { RecordRepair } from './record-repair.ts';
import { Recovery } from './recovery.ts';
import type { ReplicaCoreConfig, ReplicaStatus } from './replica-config.ts';
import { type ReplicaContext, sendTo } from './replica-context.ts';
import { ReplicaPages } from './replica-pages.ts';
import { keyspaceById } from './replicas.ts';
import { Standings } from './standings.ts';
import { nodeState, StateKeeper } from './state-keeper.ts';
import { encodeSystemState, priorState, SYSTEM_STATE_KEY } from './system-state.ts';
import type { TopologyDocument } from './topology.ts';
import { keepsPartition } from './topology-moves.ts';
import { WriteClock } from './write-clock.ts';

export type { ReplicaCoreConfig, ReplicaStatus, StoreReport } from './replica-config.ts';

/**
 * One node's replication as a machine without I/O: events in, effects out, in a fixed order; the same events give the
 * same effects. See DESIGN.md for the rules it keeps.
 */
export class ReplicaCore {
  readonly #desk = new Desk();
  readonly #node: ReplicaContext;
  readonly #identity: Identity;
  readonly #pages: ReplicaPages;
  readonly #operations: Operations;
  readonly #recovery: Recovery;
  readonly #recordRepair: RecordRepair;
  readonly #antiEntropy: AntiEntropy;
  readonly #damage: Damage;
  readonly #forgetting: Forgetting;
  readonly #expiry: Expiry;
  readonly #deleted: DeletedKeyspaces;
  readonly #inbound: Inbound;
  readonly #holdings: Holdings;
  readonly #moves: Moves;
  readonly #config: ReplicaCoreConfig;
  #topology: TopologyDocument;
  #halted = false;
  #started = false;
  #wallMs = 0;
  readonly #state: StateKeeper;

  constructor(config: ReplicaCoreConfig) {
    this.#config = config;
    this.#topology = config.topology;
    const planted: Planted = (name) => config.mutations?.has(name) === true;
    const prior = priorState(config.system);
    const standings = new Standings();
    const keep = config.report.clean || planted('keep-actor-after-crash');
    const actors = new Actors(config.random, keep ? prior?.actors : undefined, keep ? prior?.floors : undefined);
    const records = new LocalRecords(
      this.#desk,
      {
        damaged: (keyspaceId, key, then) => this.#damage.record(keyspaceId, key, then),
        changed: (at, before, after, versions) => {
          if (before === 'unknown') standings.unreadable.overwritten(at.keyspaceId, at.key);
          trees.changed(at, before, after);
          this.#saw(at, versions);
        },
        deviceFailed: (error) => this.#failStop(error),
      },
      planted,
      config.cacheBytes ?? CACHE_BYTES,
    );
    this.#state = new StateKeeper(records, () => {
      const kept = planted('keep-actor-after-crash') ? actors.toRecord() : undefined;
      return encodeSystemState({ ...nodeState(this.#node, this.#identity, this.#holdings), actors: kept });
    });
    const topology = (): TopologyDocument => this.#topology;
    const load = new ClientLoad();
    const background = new Background(this.#desk, () => load.most);
    const trees = new MerkleTrees(
      this.#desk,
      background,
      {
        partitionBits: () => this.#topology.partitionBits,
        watch: (partition) => this.#damage.watch(partition),
        met: (at, record) => this.#saw(at, decodeVersions(record)),
      },
      planted,
    );
    const fences = new Fences(config.random);
    const peers = new PeerView();
    const clock = new WriteClock(this.#desk);
    const shared = { records, standings, actors, background, trees, fences, peers, planted, topology, clock, load };
    const wallMs = (): number => this.#wallMs;
    const node = { self: config.nodeId, desk: this.#desk, wallMs, ...shared };
    const persist = (then: () => void): void => this.#state.keep(then);
    this.#node = { ...node, hints: new Hints(node, persist) };
    this.#damage = new Damage({
      desk: this.#desk,
      standings,
      actors,
      planted,
      partitionBits: () => this.#topology.partitionBits,
      ownPartitions: () => this.#ownPartitions(),
      doubt: () => records.doubt(),
      look: (keyspaceId, key) => records.read(new RecordKey(keyspaceId, key), false, () => {}),
      persist,
      mend: () => this.#mend(),
    });
    this.#pages = new ReplicaPages(this.#desk, standings, topology, this.#damage, planted);
    this.#operations = new Operations(this.#node, this.#pages);
    this.#forgetting = new Forgetting(this.#node, config.forgetEveryMs ?? FORGET_EVERY_MS);
    this.#deleted = new DeletedKeyspaces(this.#node);
    this.#expiry = new Expiry(this.#node, config.expiry ?? EXPIRY_PACE);
    this.#recovery = new Recovery(this.#node, {
      closed: () => persist(() => this.#recordRepair.run()),
      persist,
      waits: (partition) => this.#moves.waits(partition),
      answers: (peer) => this.#identity.reachable.get(peer) === '',
    });
    this.#recordRepair = new RecordRepair(this.#node, () => persist(() => {}));
    this.#antiEntropy = new AntiEntropy(this.#node, config.antiEntropyEveryMs ?? ANTI_ENTROPY_EVERY_MS);
    const boot = (prior?.boot ?? 0) + 1;
    this.#identity = new Identity(this.#desk, this.#identityHost(), planted, {
      incarnation: config.incarnation,
      boot,
      formed: prior?.formed ?? false,
      boots: prior?.boots ?? {},
      trail: prior === undefined ? [] : (prior.trail ?? [{ boot: prior.boot, incarnation: prior.incarnation }]),
    });
    this.#holdings = new Holdings({ ...this.#node, persist, mend: () => this.#mend() }, prior?.holds);
    this.#moves = new Moves(this.#node, this.#holdings);
    const peerService = new PeerService(this.#node, this.#pages, this.#identity, this.#forgetting, this.#moves);
    this.#inbound = new Inbound(this.#node, this.#operations, peerService);
    this.#damage.atOpen(
      config.report,
      prior,
      config.system.ok && (config.system.value === undefined || prior !== undefined),
    );
  }

  /**
   * Takes an event that happened at `wallMs` by this machine's wall clock, and gives what is to be done, in order; the list is
   * borrowed until the next step.
   */
  step(event: Event, wallMs: number): readonly Effect[] {
    if (this.#halted) return [];
    this.#wallMs = wallMs;
    switch (event.type) {
      case 'start':
        this.#start();
        break;
      case 'client':
        this.#operations.run(event.command, (outcome) => this.#desk.emit({ type: 'reply', op: event.op, outcome }));
        break;
      case 'request':
        this.#inbound.request(event.request, (outcome) => this.#desk.emit({ type: 'respond', id: event.id, outcome }));
        break;
      case 'topology':
        if (event.document.epoch > this.#topology.epoch) this.#adopt(event.document);
        this.#inbound.topologyCame();
        break;
      case 'liveness':
        this.#node.peers.setLiveness(event.node, event.liveness);
        break;
      case 'damage':
        this.#damage.report(event.report);
        break;
      case 'stop':
        this.#stop();
        break;
      default:
        this.#desk.deliver(event);
    }
    return this.#desk.take();
  }

  status(): ReplicaStatus {
    const { standings } = this.#node;
    return {
      epoch: this.#topology.epoch,
      boot: this.#identity.boot,
      state: !standings.verified
        ? 'unverified'
        : standings.gaps + standings.unreadable.size > 0
          ? 'recovering'
          : 'serving',
      recovery: this.#recovery.status(),
      recordRepair: this.#recordRepair.status(),
      unnamedDamage: this.#damage.unnamed,
      hints: this.#node.hints.status(),
      antiEntropy: this.#antiEntropy.status(),
      forgetting: this.#forgetting.status(),
      expiry: this.#expiry.status(),
      writesFromAhead: this.#node.clock.aheads,
      background: this.#node.background.progress(),
      moves: this.#moves.status(),
      peers: Object.fromEntries(this.#identity.reachable),
    };
  }

  /** How often this disk has been opened, by what is known (P9). */
  get boot(): number {
    return this.#identity.boot;
  }

  topology(): TopologyDocument {
    return this.#topology;
  }

  /** The Merkle root of what this node holds of a partition of a keyspace; `undefined` while the tree is not in step. */
  treeRoot(partition: number, keyspaceId: number): bigint | undefined {
    return this.#node.trees.ready(partition, keyspaceId)?.root;
  }

  #adopt(document: TopologyDocument): void {
    this.#topology = document;
    const own = new Set(this.#ownPartitions());
    this.#node.trees.keepOnly((partition, id) => own.has(partition) && keyspaceById(document, id) !== undefined);
    this.#deleted.run();
    if (this.#started) this.#holdings.adopt();
  }

  #ownPartitions(): readonly number[] {
    const { keyspaces, table } = this.#topology;
    const keeps = (partition: number): boolean =>
      keyspaces.some((keyspace) => keepsPartition(this.#topology, keyspace, partition, this.#config.nodeId));
    return Array.from(table.keys()).filter(keeps);
  }

  #start(): void {
    const { nodeId, topology } = this.#config;
    const prior = priorState(this.#config.system);
    if (prior !== undefined && prior.clusterId !== topology.clusterId) {
      const message = `the image belongs to the cluster ${prior.clusterId}, the topology to ${topology.clusterId}`;
      return this.#failStop(new StoreError('CONFIG_INVALID', { message }));
    }
    if (!topology.nodes.some(({ id }) => id === nodeId)) {
      return this.#failStop(new StoreError('CONFIG_INVALID', { message: `the topology has no node ${nodeId}` }));
    }
    const { incarnation, boot } = this.#identity;
    const hello: PeerRequest = {
      type: 'hello',
      nodeId,
      clusterId: topology.clusterId,
      boot,
      incarnation,
      epoch: topology.epoch,
      register: false,
    };
    sendTo(this.#node, nodeId, hello, HELLO_TIMEOUT_MS, (outcome) => {
      if (outcome.ok && outcome.value.type === 'hello' && outcome.value.incarnation !== incarnation) {
        const message = `a process with the id ${nodeId} answers at its address`;
        return this.#failStop(new StoreError('NODE_ID_IN_USE', { message }));
      }
      // Durable before anything else: from here on this open can never be mistaken for the one before (P9).
      this.#state.keep(() => {
        this.#started = true;
        this.#holdings.adopt();
        this.#desk.emit({ type: 'started' });
        this.#node.hints.load(prior?.hints ?? {});
        this.#identity.register();
      });
    });
  }

  #stop(): void {
    const { records, actors } = this.#node;
    const finish = (): void => {
      if (records.unflushed > 0) return void this.#desk.timer(1, finish);
      records.seal();
      this.#node.records.writeSystem(
        SYSTEM_KEYSPACE,
        SYSTEM_STATE_KEY,
        () =>
          encodeSystemState({
            ...nodeState(this.#node, this.#identity, this.#holdings),
            actors: actors.toRecord(),
            floors: actors.floors(),
          }),
        () => {
          this.#halted = true;
          this.#desk.emitLast({ type: 'stopped' });
        },
      );
    };
    finish();
  }

  /** What this node holds of a key now. */
  #saw(at: RecordKey, versions: Versions): void {
    this.#forgetting.saw(at, versions);
    this.#expiry.saw(at, versions);
  }

  /** Takes up all that is missing here. */
  #mend(): void {
    this.#recovery.run();
    this.#recordRepair.run();
  }

  #identityHost(): ConstructorParameters<typeof Identity>[1] {
    const { nodeId, topology } = this.#config;
    const prior = priorState(this.#config.system);
    return {
      self: nodeId,
      clusterId: topology.clusterId,
      others: () => this.#topology.nodes.map(({ id }) => id).filter((id) => id !== nodeId),
      epoch: () => this.#topology.epoch,
      send: (to, request, timeoutMs, then) => sendTo(this.#node, to, request, timeoutMs, then),
      register: (boot, incarnation, then) => {
        const ticket = this.#desk.ask({ type: 'register', boot, incarnation }, (answer) => {
          this.#desk.forget(ticket);
          stopTimer();
          then(expectAnswer(answer, 'registered').outcome);
        });
        // A store that says nothing is away. What it did nevertheless, it will tell of this very incarnation.
        const stopTimer = this.#desk.timer(REGISTER_TIMEOUT_MS, () => {
          this.#desk.forget(ticket);
          then({ ok: false, error: new StoreError('DEADLINE_EXCEEDED') });
        });
      },
      persist: (then) => this.#state.keep(then),
      wallMs: () => this.#wallMs,
      fence: () => this.#node.fences.life,
      load: () => this.#node.load.own,
      greets: () => this.#node.load.second(),
      silent: (peer) => this.#node.load.learn(peer, 0),
      answered: (peer, { fence, clientOps }) => {
        this.#node.load.learn(peer, clientOps);
        this.#node.fences.learnLife(peer, fence);
        this.#node.hints.answered(peer);
      },
      verified: () => {
        this.#node.standings.verify();
        this.#desk.emit({
          type: 'note',
          level: 'info',
          text: 'this boot is registered',
          facts: { boot: this.#identity.boot },
        });
        this.#mend();
        this.#antiEntropy.run();
        this.#forgetting.run();
        this.#expiry.run();
        this.#deleted.run();
        this.#moves.run();
      },
      behind: (why) => {
        // An empty disk has nothing that could be too old.
        for (const partition of this.#ownPartitions()) {
          if (prior === undefined) this.#node.standings.open(partition, 'recovering');
          else this.#node.standings.openStale(partition);
        }
        if (!this.#node.planted('behind-keeps-actors')) this.#node.actors.retireAll();
        this.#desk.emit({
          type: 'note',
          level: 'warn',
          text: 'this disk is behind; all partitions recover',
          facts: { why },
        });
      },
      failStop: (error) => this.#failStop(error),
    };
  }

  #failStop(error: StoreError): void {
    if (this.#halted) return;
    this.#halted = true;
    this.#desk.emitLast({ type: 'failStop', error });
  }
}
