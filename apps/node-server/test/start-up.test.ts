import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonClient, must } from './json-client.ts';
import { type LocalCluster, type LocalNode, startLocalCluster } from './local-cluster.ts';

describe('a node that cannot start', () => {
  let cluster: LocalCluster;
  let victim: LocalNode;
  beforeAll(async () => {
    cluster = await startLocalCluster();
    victim = cluster.nodes[2] as LocalNode;
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  /** Runs the victim until it gives up; what it wrote last, and its exit code. */
  async function attempt(): Promise<{ code: number | null; said: string }> {
    const before = statSync(join(cluster.directory, `${victim.id}.log`)).size;
    const code = await victim.run();
    return { code, said: victim.log().slice(before) };
  }

  it('stops with 0 on SIGTERM and finds its data again', async () => {
    must(await jsonClient(victim.url).put('kept', 'value'));
    expect(await victim.stop('SIGTERM')).toBe(0);
    await victim.start();
    expect(must(await jsonClient(victim.url).get('kept')).values).toEqual(['value']);
    expect(await victim.stop('SIGTERM')).toBe(0);
  });

  it('ends with 2 when a port is busy, and names the address', async () => {
    const port = Number(victim.rpc.split(':')[1]);
    const squatter = await new Promise<Server>((resolve) => {
      const server = createServer();
      server.listen(port, '127.0.0.1', () => resolve(server));
    });
    const { code, said } = await attempt();
    squatter.close();
    expect(code).toBe(2);
    expect(said).toMatch(new RegExp(`ADDRESS_IN_USE: .*127\\.0\\.0\\.1:${port}`));
  });

  it('ends with 2 when a setting does not exist, and names it', async () => {
    const good = readFileSync(victim.config, 'utf8');
    writeFileSync(victim.config, `${good}\nlimit: {}\n`);
    const { code, said } = await attempt();
    writeFileSync(victim.config, good);
    expect(code).toBe(2);
    expect(said).toMatch(/CONFIG_INVALID: limit: no such setting/);
  });

  it('ends with 2 when its directory cannot be written', async () => {
    const good = readFileSync(victim.config, 'utf8');
    const readOnly = '/proc/ferrite';
    writeFileSync(victim.config, good.replaceAll(victim.image, `${readOnly}/n.img`));
    const { code, said } = await attempt();
    writeFileSync(victim.config, good);
    expect(code).toBe(2);
    expect(said).toMatch(/PATH_NOT_WRITABLE: .*\/proc\/ferrite/);
  });

  it('ends with 2 when another process has the image', async () => {
    await victim.start();
    const twin = join(cluster.directory, 'twin.yaml');
    const config = readFileSync(victim.config, 'utf8');
    writeFileSync(twin, config);
    const main = new URL('../src/main.ts', import.meta.url).pathname;
    const result = spawnSync(process.execPath, ['--conditions=@ferrite/source', main, '--config', twin], {
      encoding: 'utf8',
    });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/IMAGE_LOCKED: .*n3\.img/);
    expect(must(await jsonClient(victim.url).get('kept')).values).toEqual(['value']);
    await victim.stop('SIGTERM');
  });

  it('ends with 2 when a live process has its id already', async () => {
    await victim.start();
    const twin = join(cluster.directory, 'impostor.yaml');
    const config = readFileSync(victim.config, 'utf8').replaceAll(victim.image, `${victim.image}.twin`);
    writeFileSync(
      twin,
      config.replace(
        /listen:[^]*?storage:/,
        'listen: { rpc: "127.0.0.1:0", fabric: "127.0.0.1:0", metrics: "127.0.0.1:0" }\nstorage:',
      ),
    );
    const main = new URL('../src/main.ts', import.meta.url).pathname;
    const result = spawnSync(process.execPath, ['--conditions=@ferrite/source', main, '--config', twin], {
      encoding: 'utf8',
    });
    expect(result.stderr).toMatch(/NODE_ID_IN_USE: .*n3/);
    expect(result.status).toBe(2);
    expect(must(await jsonClient(victim.url).get('kept')).values).toEqual(['value']);
    await victim.stop('SIGTERM');
  });

  it('ends with 3 when the image was cut short, and others serve on', async () => {
    const size = statSync(victim.image).size;
    truncateSync(victim.image, Math.floor(size / 2));
    const { code, said } = await attempt();
    expect(code).toBe(3);
    expect(said).toMatch(/DEVICE_TRUNCATED: /);
    expect(must(await jsonClient(cluster.nodes[0]?.url ?? '').get('kept')).values).toEqual(['value']);
    truncateSync(victim.image, size);
  });

  it('never formats over a file that is not an image', async () => {
    const file = openSync(victim.image, 'r+');
    writeSync(file, Buffer.alloc(1024 * 1024, 'not an image '), 0, 1024 * 1024, 0);
    closeSync(file);
    const { code, said } = await attempt();
    expect(code).toBe(3);
    expect(said).toMatch(/(FORMAT_UNKNOWN|CHECKSUM_MISMATCH): /);
    expect(readFileSync(victim.image).subarray(0, 12).toString()).toBe('not an image');
  });

  it('rebuilds from its peers once the broken image is removed', async () => {
    rmSync(victim.image);
    await victim.start();
    expect(must(await jsonClient(victim.url).get('kept')).values).toEqual(['value']);
    await victim.stop('SIGTERM');
  });
});
