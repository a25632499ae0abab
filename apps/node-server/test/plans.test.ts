import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';

/** The parts of the answers that are looked at here. */
interface Answer {
  readonly plan?: {
    readonly id: string;
    readonly moves?: readonly { readonly from?: readonly string[]; readonly to?: readonly string[] }[];
    readonly bytes?: string;
  };
  readonly message?: string;
  readonly code?: string;
}

const CLI = new URL('../../cli/src/main.ts', import.meta.url).pathname;

describe('plans on live nodes', { timeout: 60_000 }, () => {
  let cluster: LocalCluster;
  beforeAll(async () => {
    cluster = await startLocalCluster();
    await Promise.all(cluster.nodes.map((node) => node.serving()));
  }, 60_000);
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  const call = async (node: number, method: string, body: unknown): Promise<Answer> => {
    const response = await fetch(`${cluster.nodes[node]!.url}/ferrite.node.v1.NodeService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Answer;
  };
  const newcomer = {
    id: 'n4',
    host: 'h4',
    zone: 'a',
    weight: 1,
    rpcAddress: '127.0.0.1:1',
    fabricAddress: '127.0.0.1:2',
  };

  it('are made by one node and seen by all, show what would move, and are discarded', async () => {
    const { plan } = await call(0, 'PlanChange', { change: { join: newcomer } });
    expect(plan?.moves?.filter(({ to }) => to?.join() === 'n4')).toHaveLength(768);
    expect(Number(plan?.bytes)).toBeGreaterThan(0);
    await expect.poll(async () => (await call(1, 'GetPlan', {})).plan?.id, { timeout: 5_000 }).toBe(plan?.id);
    expect((await call(2, 'DiscardPlan', { id: plan?.id })).code).toBeUndefined();
    expect((await call(2, 'GetPlan', {})).plan).toBeUndefined();
    expect((await call(0, 'DiscardPlan', { id: plan?.id })).message).toMatch(/TOPOLOGY_CONFLICT: there is no plan/);
  });

  it('that move nothing are committed', async () => {
    const { plan } = await call(1, 'PlanChange', { change: { reweight: { node: 'n2', weight: 2 } } });
    expect(plan?.moves ?? []).toEqual([]);
    expect((await call(1, 'CommitPlan', { id: plan?.id })).code).toBeUndefined();
    const response = await fetch(`${cluster.nodes[1]!.url}/ferrite.kv.v1.TopologyService/GetTopology`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { members } = (await response.json()) as { members: { id: string; weight: number }[] };
    expect(members.find(({ id }) => id === 'n2')?.weight).toBe(2);
  });

  it('are refused with a reason when they make no sense', async () => {
    expect((await call(0, 'PlanChange', { change: { drain: 'n9' } })).message).toMatch(/NODE_NOT_FOUND/);
    expect((await call(0, 'PlanChange', {})).message).toMatch(/ARGUMENT_INVALID/);
  });

  it('are made, shown and discarded by commands', async () => {
    const ferrite = (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
      new Promise((resolve) => {
        const all = ['--conditions=@ferrite/source', CLI, '--server', cluster.nodes[0]!.url, ...args];
        execFile(process.execPath, all, { env: {} }, (error, out, err) => {
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
        });
      });
    expect((await ferrite('node', 'plan')).out).toBe('there is no plan\n');
    const added = await ferrite('node', 'plan-add', 'n4', '--rpc', '127.0.0.1:1', '--fabric', '127.0.0.1:2');
    const id = /^plan (\d+): \d+ partitions change/.exec(added.out)?.[1] ?? added.err;
    expect(added.out).toMatch(/n4 +0 +\d+ /);
    expect(await ferrite('node', 'discard', id)).toMatchObject({ code: 0, out: `plan ${id} discarded\n` });
    expect(await ferrite('node', 'commit', id)).toMatchObject({ code: 1 });
    expect(await ferrite('node', 'commit', 'x')).toMatchObject({ code: 2 });
    expect((await ferrite('node', 'plan-weight', 'n1', '0')).code).toBe(2);
  });
});
