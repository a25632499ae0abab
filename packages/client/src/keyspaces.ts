import type { Message } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type CallOptions as ConnectOptions, createClient, type Transport } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { type CreateKeyspaceResponse, KeyspaceService } from '@ferrite/proto/admin';
import { ConflictPolicy, type Keyspace as WireKeyspace, ZoneRule } from '@ferrite/proto/kv';
import { NodeService } from '@ferrite/proto/node';
import { type Deadline, pause } from './deadline.ts';
import type { Dispatcher } from './dispatch.ts';
import { type Keyspace, toKeyspace, urlOf } from './topology.ts';
import type { CallOptions } from './types.ts';
import { toWireConsistency, toWireDurability } from './wire.ts';

/** What may be chosen of a keyspace; what is absent takes its default, or stays as it is in an update. */
export type KeyspaceSettings = Partial<Omit<Keyspace, 'name' | 'id'>>;

/** The keyspaces of the cluster. */
export interface Keyspaces {
  list(options?: CallOptions): Promise<readonly Keyspace[]>;
  /** Throws `KEYSPACE_EXISTS`. */
  create(name: string, settings?: KeyspaceSettings, options?: CallOptions): Promise<Keyspace>;
  /** Throws `KEYSPACE_NOT_FOUND`. */
  update(name: string, settings: KeyspaceSettings, options?: CallOptions): Promise<Keyspace>;
  /** Deletes the keyspace with all its keys. Throws `KEYSPACE_NOT_FOUND`. */
  delete(name: string, options?: CallOptions): Promise<void>;
}

/** Runs a call that has a deadline. */
export type Bounded = <T>(options: CallOptions | undefined, run: (deadline: Deadline) => Promise<T>) => Promise<T>;

/** What nodes and the admin API answer to a change; a deletion carries nothing. */
type Answer = Partial<Pick<CreateKeyspaceResponse, 'keyspace'>> & Pick<Message, '$unknown'>;

type Change = (transport: Transport, options: ConnectOptions) => Promise<Answer>;

type WireInit = Omit<WireKeyspace, '$typeName' | '$unknown'>;

/** Pause between looks for a change that was just made, in milliseconds. */
const SEEN_POLL_MS = 50;

export function openKeyspaces(dispatcher: Dispatcher, bounded: Bounded): Keyspaces {
  const { view } = dispatcher;
  const find = async (name: string): Promise<Keyspace> => {
    const found = (await view.refresh()).keyspaces.find((keyspace) => keyspace.name === name);
    if (found === undefined) throw new StoreError('KEYSPACE_NOT_FOUND', { message: `there is no keyspace "${name}"` });
    return found;
  };
  /** The nodes carry out changes; the admin API passes them on where only it can be reached. */
  const change = async (deadline: Deadline, viaNode: Change, viaAdmin: Change): Promise<Answer> => {
    const nodes = new Set((await view.topology()).members.map(urlOf));
    const answer = await dispatcher.run(
      {
        route: () => view.forControl(),
        idempotent: false,
        send: (transport, call, url) => (nodes.has(url) ? viaNode : viaAdmin)(transport, call),
      },
      deadline,
    );
    return answer;
  };
  /** Waits until some node shows the change, so that the client's next call does not run ahead of it. */
  const seen = async (deadline: Deadline, name: string, present: boolean): Promise<void> => {
    for (;;) {
      const topology = await view.refresh().catch(() => undefined);
      if (topology?.keyspaces.some((keyspace) => keyspace.name === name) === present) return;
      if (deadline.remainingMs() <= SEEN_POLL_MS) return;
      await pause(SEEN_POLL_MS, deadline);
    }
  };

  return {
    list: (options) => bounded(options, async () => (await view.refresh()).keyspaces),
    create: (name, settings = {}, options) =>
      bounded(options, async (deadline) => {
        const request = { keyspace: toWire({ name, ...settings }) };
        const answer = await change(
          deadline,
          (transport, call) => createClient(NodeService, transport).createKeyspace(request, call),
          (transport, call) => createClient(KeyspaceService, transport).createKeyspace(request, call),
        );
        await seen(deadline, name, true);
        return answer.keyspace === undefined ? await find(name) : toKeyspace(answer.keyspace);
      }),
    update: (name, settings, options) =>
      bounded(options, async (deadline) => {
        const request = { keyspace: toWire({ ...(await find(name)), ...settings }) };
        const answer = await change(
          deadline,
          (transport, call) => createClient(NodeService, transport).updateKeyspace(request, call),
          (transport, call) => createClient(KeyspaceService, transport).updateKeyspace(request, call),
        );
        return answer.keyspace === undefined ? await find(name) : toKeyspace(answer.keyspace);
      }),
    delete: (name, options) =>
      bounded(options, async (deadline) => {
        await change(
          deadline,
          (transport, call) => createClient(NodeService, transport).deleteKeyspace({ name }, call),
          (transport, call) => createClient(KeyspaceService, transport).deleteKeyspace({ name }, call),
        );
        await seen(deadline, name, false);
      }),
  };
}

const ZONE_RULES = { prefer: ZoneRule.PREFER, require: ZoneRule.REQUIRE } as const;
const POLICIES = { siblings: ConflictPolicy.SIBLINGS, lww: ConflictPolicy.LWW } as const;

function toWire(keyspace: KeyspaceSettings & { readonly name: string; readonly id?: number }): WireInit {
  const { conflictPolicy } = keyspace;
  return {
    name: keyspace.name,
    id: keyspace.id ?? 0,
    replicationFactor: keyspace.replicationFactor ?? 0,
    conflictPolicy: conflictPolicy === undefined ? ConflictPolicy.UNSPECIFIED : POLICIES[conflictPolicy],
    defaultReadConsistency: toWireConsistency(keyspace.readConsistency),
    defaultWriteConsistency: toWireConsistency(keyspace.writeConsistency),
    defaultDurability: toWireDurability(keyspace.durability),
    ...(keyspace.sloppyWrites !== undefined && { sloppyWrites: keyspace.sloppyWrites }),
    zoneRule: keyspace.zoneRule === undefined ? ZoneRule.UNSPECIFIED : ZONE_RULES[keyspace.zoneRule],
    ...(keyspace.ttlMs !== undefined && { defaultTtl: durationFromMs(keyspace.ttlMs) }),
  };
}
