import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure, Peer } from '../suite.ts';
import { withCpuOf } from './process-cpu.ts';
import { freePort, isInstalled, output, spawnOwned } from './program.ts';

const VALUE_BYTES = 1024;
const MEMBERS = 3;
const READY_WITHIN_MS = 30_000;
/** Streams of one connection; more in flight go over more connections. */
const STREAMS_MAX = 64;

export interface EtcdLoad {
  readonly operation: 'get' | 'put';
  readonly inFlight: number;
}

/** Three members of Debian's etcd on loopback, driven by h2load, a client in C, at their leader. */
export interface Etcd extends AsyncDisposable {
  peer(load: EtcdLoad): Peer;
}

export async function openEtcd(directory: string): Promise<Etcd> {
  const missing = ['etcd', 'h2load'].find((program) => !isInstalled(program));
  if (missing !== undefined) {
    return { peer: () => ({ missing: `${missing} is not installed` }), [Symbol.asyncDispose]: async () => {} };
  }
  await using opened = new AsyncDisposableStack();
  const folder = join(directory, 'etcd');
  mkdirSync(folder);
  const ports = await Promise.all(Array.from({ length: 2 * MEMBERS }, freePort));
  const url = (at: number): string => `http://127.0.0.1:${ports[at]}`;
  const names = Array.from({ length: MEMBERS }, (_, at) => `e${at + 1}`);
  const cluster = names.map((name, at) => `${name}=${url(2 * at + 1)}`).join(',');
  const pids = names.map((name, at) => {
    const [client, peer] = [url(2 * at), url(2 * at + 1)];
    const args = [
      ['--name', name, '--data-dir', join(folder, name), '--logger', 'zap', '--log-level', 'error'],
      ['--listen-client-urls', client, '--advertise-client-urls', client],
      ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ['--initial-cluster', cluster, '--initial-cluster-state', 'new', '--quota-backend-bytes', String(8 * 2 ** 30)],
    ].flat();
    const server = spawnOwned('etcd', args, 'ignore');
    const gone = once(server, 'exit');
    opened.defer(async () => {
      server.kill('SIGKILL');
      await gone;
    });
    return server.pid ?? 0;
  });
  const leader = await leaderOf(names.map((_, at) => url(2 * at)));
  const key = 'key:000000000001';
  const value = Buffer.alloc(VALUE_BYTES, 0x5a);
  const body = (operation: EtcdLoad['operation']): string => join(folder, `${operation}.bin`);
  writeFileSync(body('put'), grpcMessage(field(1, Buffer.from(key)), field(2, value)));
  writeFileSync(body('get'), grpcMessage(field(1, Buffer.from(key))));
  const load = async ({ operation, inFlight }: EtcdLoad, seconds: number): Promise<Figure> => {
    const log = join(folder, 'requests.tsv');
    rmSync(log, { force: true });
    const connections = Math.ceil(inFlight / STREAMS_MAX);
    const path = operation === 'put' ? 'Put' : 'Range';
    const before = await revisionOf(leader);
    const shape = [
      ['-c', String(connections), '-m', String(Math.ceil(inFlight / connections))],
      ['-D', `${Math.round(seconds * 1000)}ms`, '--log-file', log],
      ['-H', 'content-type: application/grpc', '-H', 'te: trailers', '-d', body(operation)],
    ].flat();
    await output('h2load', [...shape, `${leader}/etcdserverpb.KV/${path}`]);
    const { figure, requests } = figureOf(readFileSync(log, 'utf8'));
    // h2load takes any answer with status 200 for a success; etcd itself says how many puts there were.
    const puts = (await revisionOf(leader)) - before;
    if (operation === 'put' && puts < requests) throw new Error(`etcd did ${puts} of ${requests} puts`);
    return figure;
  };
  await load({ operation: 'put', inFlight: 1 }, 0.5);
  const running = opened.move();
  return {
    peer({ operation, inFlight }) {
      const means =
        operation === 'put'
          ? 'puts flushed by a majority (raft)'
          : 'linearizable reads, which the leader confirms with a majority';
      return {
        name: 'etcd',
        config: `Debian's etcd, ${MEMBERS} members, h2load with ${inFlight} in flight at the leader, ${means}; ours: QUORUM, puts flushed by a majority, ${MEMBERS} nodes, our client in Node`,
        measure: (seconds) => withCpuOf(pids, () => load({ operation, inFlight }, seconds)),
      };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What h2load logged: start in microseconds, HTTP status, duration in microseconds, a line a request. */
export function figureOf(log: string): { readonly figure: Figure; readonly requests: number } {
  const durations: number[] = [];
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const line of log.split('\n')) {
    const [start = Number.NaN, status, duration = Number.NaN] = line.split('\t').map(Number);
    if (status !== 200) continue;
    durations.push(duration);
    first = Math.min(first, start);
    last = Math.max(last, start + duration);
  }
  if (durations.length === 0) throw new Error(`h2load had no answer: ${log.slice(0, 200)}`);
  durations.sort((a, b) => a - b);
  const quantile = (share: number): number => durations[Math.floor(share * (durations.length - 1))]!;
  const rate = durations.length / ((last - first) / 1e6);
  return { figure: { rate, p50: quantile(0.5), p99: quantile(0.99) }, requests: durations.length };
}

/** A length-delimited field of a protobuf message. */
function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.byteLength; ; rest >>>= 7) {
    length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) break;
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

function grpcMessage(...fields: readonly Buffer[]): Buffer {
  const message = Buffer.concat(fields);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** The gateway of etcd answers JSON; numbers of 64 bits come as strings. */
async function ask<T>(member: string, path: string, request: object): Promise<T> {
  const options = { method: 'POST', body: JSON.stringify(request), signal: AbortSignal.timeout(5_000) };
  return (await (await fetch(`${member}/v3/${path}`, options)).json()) as T;
}

interface Header {
  readonly header: { readonly member_id: string; readonly revision?: string };
}

async function revisionOf(member: string): Promise<number> {
  const { header } = await ask<Header>(member, 'kv/range', { key: Buffer.from('none').toString('base64') });
  return Number(header.revision ?? 0);
}

async function leaderOf(members: readonly string[]): Promise<string> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    for (const member of members) {
      const status = await ask<Header & { readonly leader?: string }>(member, 'maintenance/status', {}).catch(
        () => undefined,
      );
      if (status?.leader !== undefined && status.leader === status.header.member_id) return member;
    }
    await sleep(100);
  }
  throw new Error('etcd has no leader');
}
