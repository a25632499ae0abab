import { createFakeCluster, type FakeCluster } from '@ferrite/client/testing';
import { type Listener, listenFabric, listenHttp } from '@ferrite/net';
import { runProgram, type Terminal } from '../src/index.ts';

/** The fakes of `@ferrite/client/testing` on real ports of loopback. */
export interface FakeServers extends AsyncDisposable {
  readonly cluster: FakeCluster;
  /** Runs `ferrite` with these arguments against the cluster. */
  run(args: readonly string[], setting?: Setting): Promise<Result>;
}

export interface Setting {
  readonly stdin?: string;
  readonly answer?: string;
  readonly people?: boolean;
}

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function openFakeServers(): Promise<FakeServers> {
  const cluster = createFakeCluster();
  const listeners: Listener[] = [];
  for (const id of cluster.addresses.keys()) {
    const address = '127.0.0.1:0';
    const rpc = await listenHttp({ address, routes: cluster.routes(id, 'connect') });
    const fabric = await listenFabric({ address, routes: cluster.routes(id, 'fabric') });
    cluster.addresses.set(id, { rpcAddress: rpc.address, fabricAddress: fabric.address });
    listeners.push(rpc, fabric);
  }
  return {
    cluster,
    run: (args, setting = {}) => runWith(args, { FERRITE_SERVER: cluster.urls.join(',') }, setting),
    async [Symbol.asyncDispose]() {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

/** Runs `ferrite` in this process. */
export async function runWith(args: readonly string[], env: Terminal['env'], setting: Setting = {}): Promise<Result> {
  const { stdin, answer, people = false } = setting;
  let [out, err] = ['', ''];
  const terminal: Terminal = {
    out: async (data) => {
      out += Buffer.from(data).toString();
    },
    err: (text) => {
      err += text;
    },
    stdin: Object.assign(stdin === undefined ? none() : one(stdin), { isTTY: stdin === undefined }),
    outIsTerminal: people,
    errIsTerminal: people,
    ...(answer !== undefined && { ask: async () => answer }),
    env,
    signal: new AbortController().signal,
  };
  const code = await runProgram(args, '0.0.0', terminal);
  return { code, out, err };
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function* one(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
