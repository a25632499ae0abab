import { type Client, openClient } from '@ferrite/client';
import { runLoad } from './load.ts';
import { RPC_KEYS, RPC_KEYSPACE, RPC_VALUE, type RpcLoad, rpcKey } from './rpc-load.ts';
import { serveParent } from './worker.ts';

// The client side of the rpc suite, a process of its own: told what to do over the channel to its parent.

/** Each lane writes keys of its own, so that a lane's last context is always the newest; few enough to be remembered. */
const KEYS_PER_LANE = 50;

const [server = ''] = process.argv.slice(2);
const clients = new Map<RpcLoad['transport'], Client>();

async function clientFor(transport: RpcLoad['transport']): Promise<Client> {
  const known = clients.get(transport) ?? (await openClient({ servers: [server], transport }));
  clients.set(transport, known);
  return known;
}

async function fill(client: Client): Promise<void> {
  const ops = Array.from({ length: RPC_KEYS }, (_, number) => {
    return { op: 'put', keyspace: RPC_KEYSPACE, key: rpcKey(number), value: RPC_VALUE, context: 'seen' } as const;
  });
  const failed = (await client.batch(ops)).find((result) => 'error' in result);
  if (failed !== undefined) throw new Error(`the node did not take the data: ${JSON.stringify(failed)}`);
}

let filled = false;

async function run(load: RpcLoad) {
  const client = await clientFor(load.transport);
  if (!filled) await fill(client);
  filled = true;
  const rounds = new Uint32Array(load.inFlight);
  const put = (lane: number): Promise<unknown> => {
    const round = rounds[lane] ?? 0;
    rounds[lane] = round + 1;
    const key = Buffer.from(`lane:${load.transport}:${lane}:${round % KEYS_PER_LANE}`);
    return client.put(RPC_KEYSPACE, key, RPC_VALUE, { context: 'seen' });
  };
  const get = async (): Promise<void> => {
    const { siblings } = await client.get(RPC_KEYSPACE, rpcKey(Math.floor(Math.random() * RPC_KEYS)));
    if (siblings.length !== 1) throw new Error(`a get found ${siblings.length} siblings`);
  };
  return await runLoad(load.inFlight, load.seconds, load.operation === 'get' ? get : put);
}

serveParent(run);
