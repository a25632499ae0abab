import { openClient } from '@ferrite/client';
import { CLUSTER_KEYS, CLUSTER_KEYSPACE, CLUSTER_VALUE, type ClusterLoad, clusterKey } from './cluster-load.ts';
import { runLoad } from './load.ts';
import { serveParent } from './worker.ts';

// The client side of the cluster suite, a process of its own: told what to do over the channel to its parent.

const BATCH = 256;
/** The context of a key that is absent. */
const NOTHING = new Uint8Array();

const client = await openClient({ servers: process.argv.slice(2) });
let keys = 0;
let fresh = 0;

async function fill(wanted: number): Promise<void> {
  for (let from = 0; from < wanted; from += BATCH) {
    const ops = Array.from({ length: Math.min(BATCH, wanted - from) }, (_, at) => {
      const key = clusterKey(from + at);
      return { op: 'put', keyspace: CLUSTER_KEYSPACE, key, value: CLUSTER_VALUE, context: NOTHING } as const;
    });
    const failed = (await client.batch(ops)).find((result) => 'error' in result);
    if (failed !== undefined) throw new Error(`the nodes did not take the data: ${JSON.stringify(failed)}`);
  }
}

const any = (): Uint8Array => clusterKey(Math.floor(Math.random() * keys));

const OPERATIONS: Readonly<Record<ClusterLoad['operation'], () => Promise<unknown>>> = {
  /** Of a key that nobody has written, with the context that says so: nothing has to be read first. */
  put: () => {
    const key = Buffer.from(`fresh:${fresh++}`);
    return client.put(CLUSTER_KEYSPACE, key, CLUSTER_VALUE, { context: NOTHING, consistency: 'quorum' });
  },
  /** Of any key, whose context is read first. */
  overwrite: () => client.put(CLUSTER_KEYSPACE, any(), CLUSTER_VALUE, { consistency: 'quorum' }),
  get: async () => {
    const { siblings } = await client.get(CLUSTER_KEYSPACE, any(), { consistency: 'quorum' });
    if (siblings.length === 0) throw new Error('a get found nothing');
  },
};

serveParent<ClusterLoad, Awaited<ReturnType<typeof runLoad>>>(
  async ({ operation, inFlight, seconds, keys: wanted = CLUSTER_KEYS }) => {
    if (keys === 0) await fill(wanted);
    keys = wanted;
    return await runLoad(inFlight, seconds, OPERATIONS[operation]);
  },
);
