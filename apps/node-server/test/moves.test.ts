import { execFile } from 'node:child_process';
import { type Client, openClient } from '@ferrite/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCluster, type LocalNode, startLocalCluster } from './local-cluster.ts';

const CLI = new URL('../../cli/src/main.ts', import.meta.url).pathname;
const KEYS = 1_500;
const MOVED_WITHIN_MS = 120_000;

describe('a cluster that changes under load', { timeout: 300_000 }, () => {
  let cluster: LocalCluster;
  let client: Client;
  /** What was acknowledged last of each key. */
  const acknowledged = new Map<number, string>();
  /** What a put in doubt may have made of it. */
  const doubtful = new Map<number, Set<string>>();
  const load = { stop: false, writes: 0, failures: [] as string[], running: Promise.resolve() };

  beforeAll(async () => {
    cluster = await startLocalCluster({ spares: 2, built: true });
    await Promise.all(cluster.nodes.slice(0, 3).map((node) => node.serving()));
    client = await openClient({ servers: cluster.nodes.map(({ url }) => url) });
    for (let number = 0; number < KEYS; number++) await put(number, `first ${number}`);
    load.running = write();
  }, 120_000);
  afterAll(async () => {
    load.stop = true;
    await load.running;
    await client?.close();
    await cluster[Symbol.asyncDispose]();
  });

  const keyOf = (number: number): Uint8Array => Buffer.from(`moved/${number}`);
  async function put(number: number, value: string): Promise<void> {
    await client.put('default', keyOf(number), Buffer.from(value), { timeoutMs: 20_000 });
    acknowledged.set(number, value);
    doubtful.delete(number);
  }
  /** Writes on and on, one key after the other, and takes note of what fails. */
  async function write(): Promise<void> {
    while (!load.stop) {
      const number = load.writes++ % KEYS;
      const value = `write ${load.writes}`;
      try {
        await put(number, value);
      } catch (error) {
        load.failures.push(String(error));
        doubtful.set(number, (doubtful.get(number) ?? new Set()).add(value));
      }
    }
  }
  const ferrite = (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const all = ['--conditions=@ferrite/source', CLI, '--server', cluster.nodes[2]!.url, ...args];
      execFile(process.execPath, all, { env: {} }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
  /** Plans by a command, and commits what was planned. */
  const change = async (...plan: readonly string[]): Promise<void> => {
    const planned = await ferrite('node', ...plan);
    const id = /^plan (\d+):/.exec(planned.out)?.[1] ?? planned.err;
    expect(await ferrite('node', 'commit', id)).toMatchObject({ code: 0, err: '' });
  };
  const placeOf = ({ host, rpc, fabric }: LocalNode): readonly string[] => [
    '--host',
    host,
    '--zone',
    'a',
    '--rpc',
    rpc,
    '--fabric',
    fabric,
  ];
  /** The ids of the nodes that hold something, once nothing is on its way any more. */
  const settled = async (): Promise<readonly string[]> => {
    const until = Date.now() + MOVED_WITHIN_MS;
    for (;;) {
      const states = await client.nodes();
      const open = states.flatMap(({ status }) => (status === undefined ? [] : [status.repair.movesOpen]));
      const { members, partitions } = await client.topology();
      if (open.length > 0 && open.every((moves) => moves === 0)) {
        const holders = new Set(partitions.flat());
        return members.filter((_, index) => holders.has(index)).map(({ id }) => id);
      }
      if (Date.now() > until)
        throw new Error(JSON.stringify(states.map(({ status, error }) => status?.repair ?? error)));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const differences = async (): Promise<readonly string[]> => {
    load.stop = true;
    await load.running;
    const found: string[] = [];
    for (const [number, value] of acknowledged) {
      const { siblings } = await client.get('default', keyOf(number), { consistency: 'quorum', timeoutMs: 20_000 });
      const values = siblings.map((sibling) => Buffer.from(sibling.value).toString());
      const allowed = doubtful.get(number) ?? new Set();
      if (!values.every((each) => each === value || allowed.has(each)) || values.length === 0)
        found.push(`${number}: ${values.join(', ')} for ${value}`);
    }
    load.stop = false;
    load.running = write();
    return found;
  };

  it('takes in a node, which then holds its share', async () => {
    const n4 = cluster.nodes[3]!;
    await change('plan-add', 'n4', ...placeOf(n4));
    await n4.start();
    expect(await settled()).toEqual(['n1', 'n2', 'n3', 'n4']);
    await n4.serving();
    expect(await differences()).toEqual([]);
    expect(load.failures).toEqual([]);
  });

  it('drains a node', async () => {
    await change('drain', 'n1');
    expect(await settled()).toEqual(['n2', 'n3', 'n4']);
    expect(await differences()).toEqual([]);
    expect(load.failures).toEqual([]);
  });

  it('gives the place of a dead node to a new one', async () => {
    await change('resume', 'n1');
    await settled();
    await cluster.nodes[1]!.stop('SIGKILL');
    const n5 = cluster.nodes[4]!;
    await change('plan-replace', 'n2', 'n5', ...placeOf(n5));
    await n5.start();
    const holders = await settled();
    expect(holders).toContain('n5');
    expect(holders).not.toContain('n2');
    expect(await differences()).toEqual([]);
    expect(load.writes).toBeGreaterThan(KEYS);
  });
});
