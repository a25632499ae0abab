import type { ClusterLoad } from '../cluster-load.ts';
import { openNodeProcesses } from '../node-process.ts';
import { openEtcd } from '../peers/etcd.ts';
import { withCpuOf } from '../peers/process-cpu.ts';
import type { ComparedSpec, Figure, Measure, Suite } from '../suite.ts';
import { openWorker } from '../worker.ts';

const NODES = 3;

/** Whole requests to a cluster of three, each flushed by or agreed with a majority. */
export const clusterSuite: Suite = {
  name: 'cluster',
  question:
    'What does a durable majority cost? Puts of 1 KiB at QUORUM that a majority has flushed (fresh keys; a row of overwrites ' +
    'whose context is read first), and gets at QUORUM, through three real nodes by our client in one process of Node, against ' +
    "three members of Debian's etcd driven by h2load at the same number in flight.",
  async open({ directory, say }) {
    await using opened = new AsyncDisposableStack();
    say('starting three nodes, a client process and three members of etcd');
    const nodes = opened.use(await openNodeProcesses(directory, NODES));
    const client = opened.use(openWorker<ClusterLoad, Figure>('./cluster-client.ts', nodes.servers));
    const etcd = opened.use(await openEtcd(directory));
    const ours =
      (operation: ClusterLoad['operation'], inFlight: number): Measure =>
      (seconds) =>
        withCpuOf(nodes.pids, () => client.ask({ operation, inFlight, seconds }));
    const row = (
      name: string,
      operation: ClusterLoad['operation'],
      inFlight: number,
      metric: ComparedSpec['metric'] = 'rate',
    ): ComparedSpec => ({
      name: `${name}-vs-etcd`,
      unit: 'ratio',
      metric,
      ours: ours(operation, inFlight),
      peer: etcd.peer({ operation: operation === 'get' ? 'get' : 'put', inFlight }),
    });
    const running = opened.move();
    return {
      results: [
        row('put-1', 'put', 1),
        row('put-64', 'put', 64),
        row('put-64-p99', 'put', 64, 'p99'),
        row('put-512', 'put', 512),
        row('put-64-overwrite', 'overwrite', 64),
        row('get-1', 'get', 1),
        row('get-64', 'get', 64),
        row('get-512', 'get', 512),
      ],
      [Symbol.asyncDispose]: () => running.disposeAsync(),
    };
  },
};
