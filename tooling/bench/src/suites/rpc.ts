import { openNodeProcesses } from '../node-process.ts';
import { withCpuOf } from '../peers/process-cpu.ts';
import { openRedis } from '../peers/redis.ts';
import type { RpcLoad } from '../rpc-load.ts';
import { type Figure, type Measure, type Suite, unmeasured } from '../suite.ts';
import { openWorker } from '../worker.ts';

/** Whole requests of a client in another process through the `KvService` of a real node. */
export const rpcSuite: Suite = {
  name: 'rpc',
  question:
    'What does a request cost over the network? Gets and durable puts of 1 KiB through the KvService of a real node (one ' +
    'member, so no replication), with the client in a process of its own, against redis-server driven by redis-benchmark at ' +
    'the same number in flight.',
  async open({ directory, say }) {
    await using opened = new AsyncDisposableStack();
    say('starting a node, a client process and two redis servers');
    const node = opened.use(await openNodeProcesses(directory, 1));
    const client = opened.use(openWorker<RpcLoad, Figure>('./rpc-client.ts', node.servers));
    const plain = opened.use(await openRedis(directory, false));
    const durable = opened.use(await openRedis(directory, true));
    const ours =
      (transport: RpcLoad['transport'], operation: RpcLoad['operation'], inFlight: number): Measure =>
      (seconds) =>
        withCpuOf(node.pids, () => client.ask({ transport, operation, inFlight, seconds }));
    const get = (connections: number, pipeline = 1) => plain.peer({ command: 'get', connections, pipeline });
    const set = durable.peer({ command: 'set', connections: 64, pipeline: 1 });
    const rate = { unit: 'ratio', metric: 'rate' } as const;
    const running = opened.move();
    return {
      results: [
        {
          name: 'fabric-get-1-p50-vs-redis',
          unit: 'ratio',
          metric: 'p50',
          ours: ours('fabric', 'get', 1),
          peer: get(1),
        },
        { name: 'fabric-get-64-vs-redis', ...rate, ours: ours('fabric', 'get', 64), peer: get(64) },
        { name: 'fabric-get-64-vs-redis-pipelined', ...rate, ours: ours('fabric', 'get', 64), peer: get(1, 64) },
        { name: 'connect-get-64-vs-redis', ...rate, ours: ours('connect', 'get', 64), peer: get(64) },
        { name: 'fabric-put-durable-64-vs-redis-aof', ...rate, ours: ours('fabric', 'put', 64), peer: set },
        { name: 'connect-put-durable-64-vs-redis-aof', ...rate, ours: ours('connect', 'put', 64), peer: set },
        unmeasured('telemetry-throughput-vs-off', 'not part of this version: telemetry cannot be switched off'),
      ],
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};
