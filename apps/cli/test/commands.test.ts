import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeServers, openFakeServers, runWith } from './fake-servers.ts';

let directory: string;
let servers: FakeServers;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferrite-cli-'));
  servers = await openFakeServers();
});
afterEach(async () => {
  await servers[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe('put, get and delete', () => {
  test('a stored value is printed as it is, with a newline only for a person', async () => {
    expect(await servers.run(['put', 'hello', 'world'])).toMatchObject({ code: 0, err: '' });
    expect(await servers.run(['get', 'hello'])).toEqual({ code: 0, out: 'world', err: '' });
    expect((await servers.run(['get', 'hello'], { people: true })).out).toBe('world\n');
  });

  test('put replaces, put --blind adds, and get lists several values with exit 5', async () => {
    await servers.run(['put', 'k', 'one']);
    await servers.run(['put', 'k', 'two']);
    expect(servers.cluster.stored('k')).toEqual(['two']);
    await servers.run(['put', 'k', 'three', '--blind']);
    const listing = await servers.run(['get', 'k']);
    expect(listing.code).toBe(5);
    expect(listing.out).toMatch(/two[\s\S]*three/);
    expect(await servers.run(['get', 'k', '--sibling', '2'])).toMatchObject({ code: 0, out: 'three' });
    expect(await servers.run(['get', 'k', '--sibling', '3'])).toMatchObject({ code: 2 });
    const { siblings } = JSON.parse((await servers.run(['get', 'k', '--json'])).out) as {
      siblings: { value: string }[];
    };
    expect(siblings.map(({ value }) => value)).toEqual(['two', 'three']);
  });

  test('an absent key is a message on standard error and exit 4', async () => {
    expect(await servers.run(['get', 'nothing'])).toEqual({
      code: 4,
      out: '',
      err: 'nothing is not in keyspace "default"\n',
    });
    expect(JSON.parse((await servers.run(['get', 'nothing', '--json'])).out)).toMatchObject({ found: false });
  });

  test('a context from --json replaces what it covers and nothing else', async () => {
    await servers.run(['put', 'k', 'one']);
    const { context } = JSON.parse((await servers.run(['get', 'k', '--json'])).out) as { context: string };
    servers.cluster.write('k', 'unseen');
    await servers.run(['put', 'k', 'two', '--context', context]);
    expect(servers.cluster.stored('k')).toEqual(['unseen', 'two']);
  });

  test('values come from a file or from standard input, and go to a file', async () => {
    writeFileSync(join(directory, 'in'), 'from a file');
    await servers.run(['put', 'a', '--file', join(directory, 'in')]);
    await servers.run(['put', 'b', '-'], { stdin: 'piped' });
    expect(await servers.run(['get', 'a', '--out', join(directory, 'out')])).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('from a file');
    expect((await servers.run(['get', 'b'])).out).toBe('piped');
  });

  test('delete removes the key', async () => {
    await servers.run(['put', 'k', 'v']);
    expect(await servers.run(['delete', 'k'])).toMatchObject({ code: 0 });
    expect(await servers.run(['get', 'k'])).toMatchObject({ code: 4 });
  });
});

describe('wrong command lines', () => {
  test.each([
    [['put', 'k'], 'no value'],
    [['put', 'k', 'v', '--blind', '--context', 'aa'], 'cannot be used with'],
    [['get', 'k', '--consistency', 'two'], 'Allowed choices'],
    [['get', 'zz', '--key-encoding', 'hex'], 'not hex'],
    [['frob'], 'unknown command'],
    [['get'], "missing required argument 'key'"],
    [['get', 'k', '--server', 'ftp://x'], 'is no server'],
    [['keyspace', 'update', 'default'], 'at least one setting'],
  ])('%j exits 2 and says why', async (args, why) => {
    const { code, out, err } = await servers.run(args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(why);
  });

  test('help has examples and exits 0', async () => {
    const { code, out } = await servers.run(['import', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('$ ferrite import /usr/include');
  });
});

test('without a cluster the failure names the servers and the next step, without a stack', async () => {
  const { code, err } = await runWith(['get', 'k'], { FERRITE_SERVER: '127.0.0.1:1' });
  expect(code).toBe(1);
  expect(err).toMatch(/^ferrite: FABRIC_UNAVAILABLE: .*127\.0\.0\.1:1.*npm start/);
  expect(err.trimEnd()).not.toContain('\n');
});

test('an unknown keyspace is refused with the command that creates it', async () => {
  const { code, err } = await servers.run(['get', 'k', '-k', 'nowhere']);
  expect(code).toBe(1);
  expect(err).toContain('ferrite keyspace create');
});

describe('scan', () => {
  test('prints keys that a terminal cannot misread, and JSON a line each', async () => {
    servers.cluster.write('a\nb', '1');
    servers.cluster.write('c', '2');
    expect((await servers.run(['scan'])).out).toBe('a\\nb\nc\n');
    expect((await servers.run(['scan', '--limit', '1'])).out).toBe('a\\nb\n');
    expect((await servers.run(['scan', '--prefix', 'c', '--values', '--json'])).out.split('\n').length).toBe(2);
  });
});

describe('import, verify and export', () => {
  let source: string;
  beforeEach(() => {
    source = join(directory, 'source');
    mkdirSync(join(source, 'sub'), { recursive: true });
    for (let index = 0; index < 150; index++) writeFileSync(join(source, 'sub', `f${index}`), `content ${index}`);
    writeFileSync(join(source, 'empty'), '');
  });
  const importing = (): Promise<{ code: number; out: string; err: string }> =>
    servers.run(['import', source, '--keyspace', 'files']);

  test('every file is stored and verified, a missing keyspace is created with a message', async () => {
    const first = await importing();
    expect(first).toMatchObject({ code: 0, err: 'created keyspace "files" (replication factor 3)\n' });
    expect(first.out).toContain('imported 151 files');
    expect(servers.cluster.stored('sub/f7')).toEqual(['content 7']);
    expect(await servers.run(['verify', source, '-k', 'files'])).toMatchObject({ code: 0, err: '' });
  });

  test('importing again stores nothing anew and leaves no siblings', async () => {
    await importing();
    servers.cluster.write('sub/f1', 'content 1');
    servers.cluster.write('sub/f2', 'other');
    expect((await importing()).out).toMatch(/^imported 2 files .* 149 unchanged/);
    expect(servers.cluster.stored('sub/f1')).toEqual(['content 1']);
    expect(servers.cluster.stored('sub/f2')).toEqual(['content 2']);
  });

  test('puts in doubt and a dying node fail no file and leave no siblings', async () => {
    servers.cluster.putFaults.push(
      ...Array.from({ length: 30 }, (_, i) => (['applied', 'lost', 'refused'] as const)[i % 3] ?? 'lost'),
    );
    servers.cluster.beforeFault = () => servers.cluster.down.add('n1');
    expect(await importing()).toMatchObject({ code: 0 });
    expect(await servers.run(['verify', source, '-k', 'files'])).toMatchObject({ code: 0 });
    for (let index = 0; index < 150; index++) expect(servers.cluster.stored(`sub/f${index}`)).toHaveLength(1);
  });

  test('what cannot be stored is named with its reason, the rest is stored, exit 1', async () => {
    writeFileSync(join(source, 'large'), '');
    truncateSync(join(source, 'large'), 8 * 1024 * 1024 + 1);
    const { code, out, err } = await importing();
    expect(code).toBe(1);
    expect(err).toMatch(/^large: not imported: it has 8\.0 MiB/m);
    expect(out).toContain('imported 151 files');
    expect(await servers.run(['verify', source, '-k', 'files'])).toMatchObject({ code: 1 });
  });

  test('verify names every difference', async () => {
    await importing();
    writeFileSync(join(source, 'sub/f1'), 'changed');
    writeFileSync(join(source, 'new'), 'v');
    servers.cluster.write('sub/f2', 'another');
    servers.cluster.write('more', 'v');
    const { code, err, out } = await servers.run(['verify', source, '-k', 'files']);
    expect(code).toBe(1);
    expect(err.trim().split('\n').toSorted()).toEqual([
      'more: is stored but is no file',
      'new: is not stored',
      'sub/f1: differs: 9 bytes stored, 7 bytes in the file',
      'sub/f2: has 2 different concurrent values',
    ]);
    expect(out).toContain('149 files of "files" equal');
    const subset = await servers.run(['verify', source, '-k', 'files', '--subset', '--json']);
    expect((JSON.parse(subset.out) as { differences: unknown[] }).differences).toHaveLength(3);
  });

  test('an export holds the same files, and hostile keys are named and skipped', async () => {
    await importing();
    for (const key of ['../escape', '/etc/passwd', 'sub']) servers.cluster.write(key, 'v');
    const target = join(directory, 'target');
    const { code, err } = await servers.run(['export', target, '-k', 'files']);
    expect(code).toBe(1);
    expect(err).toMatch(/^\.\.\/escape: skipped/m);
    expect(err).toMatch(/^\/etc\/passwd: skipped: the key is an absolute path/m);
    expect(readFileSync(join(target, 'empty'), 'utf8')).toBe('');
  });
});

describe('status, topology, keyspaces', () => {
  test('status shows a dead node and exits 0 while any answers', async () => {
    servers.cluster.down.add('n2');
    const { code, out } = await servers.run(['status']);
    expect(code).toBe(0);
    expect(out).toMatch(/^n1 +serving/m);
    expect(out).toMatch(/^n2 +down/m);
    expect(out).toContain('2 of 3 nodes serving');
    const { nodes } = JSON.parse((await servers.run(['status', '--json'])).out) as { nodes: { state: string }[] };
    expect(nodes.map(({ state }) => state)).toEqual(['serving', 'down', 'serving']);
  });

  test('status tells what an operator must see to: the topology store, the clocks, and why a transfer is paused', async () => {
    servers.cluster.said.set('n1', {
      topologyStore: { away: 'TOPOLOGY_UNAVAILABLE: etcd at http://e:2379 does not answer', awayMs: 61_000n },
      time: { expiryStalled: 'CLOCK_WRONG: the clock is 90000 ms from those of the peers', writesFromAhead: 1n },
    });
    const stalled = 'yields to 120 client operations in flight';
    servers.cluster.said.set('n3', { repair: { transfers: [{ partition: 4, from: 'n1', stalled }] } });
    const { out } = await servers.run(['status']);
    expect(out).toMatch(/^n1: for 1m 1s: TOPOLOGY_UNAVAILABLE: etcd at http:\/\/e:2379 does not answer$/m);
    expect(out).toMatch(/^n1: expired values stay on the device: CLOCK_WRONG: .* set the clocks of all nodes by NTP$/m);
    expect(out).toMatch(/^n1: CLOCK_AHEAD: since it started, 1 write to records stamped/m);
    expect(out).toMatch(/^n3: partition 4 from n1: 0 records, 0 B; waits: yields to 120 client operations in flight$/m);
    const { nodes } = JSON.parse((await servers.run(['status', '--json'])).out) as { nodes: Record<string, unknown>[] };
    expect(nodes[0]).toMatchObject({ topologyStoreAway: { forMs: 61_000 }, time: { writesFromAhead: 1 } });
    expect(nodes[1]).not.toHaveProperty('topologyStoreAway');
  });

  test('scrub has every node or one look through its device, and tells what it found', async () => {
    servers.cluster.said.set('n2', { scrub: { damagedRecords: 3n } });
    const { code, out } = await servers.run(['scrub']);
    expect(code).toBe(0);
    expect(out).toMatch(/^n1 +done +4\.0 KiB +0$/m);
    expect(out).toMatch(/^n2 +done +4\.0 KiB +3$/m);
    expect((await servers.run(['scrub', 'n3', '--no-wait'])).out).toMatch(/^n3 +running/m);
    servers.cluster.said.set('n1', { scrub: { failure: 'DEVICE_FAILED: it failed.' } });
    expect(await servers.run(['scrub', 'n1'])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/n1 +DEVICE_FAILED/),
    });
    expect(await servers.run(['scrub', 'n9'])).toMatchObject({ code: 1, err: expect.stringMatching(/NODE_NOT_FOUND/) });
    expect(await servers.run(['scrub', '--rate', '1'])).toMatchObject({ code: 2 });
  });

  test('topology shows the members and the keyspaces', async () => {
    const { out } = await servers.run(['topology']);
    expect(out).toMatch(/^n3 +active/m);
    expect(out).toMatch(/^default +1 +3/m);
  });

  test('keyspaces are created and listed; one of the same name is refused', async () => {
    expect(await servers.run(['keyspace', 'create', 'photos', '-r', '2'])).toMatchObject({ code: 0 });
    expect((await servers.run(['keyspace', 'list'])).out).toContain('photos');
    expect(await servers.run(['keyspace', 'create', 'photos'])).toMatchObject({ code: 1 });
  });

  test('a keyspace is not deleted unless its name is typed', async () => {
    expect(await servers.run(['keyspace', 'delete', 'default'], { answer: 'no' })).toMatchObject({
      code: 1,
      err: 'ferrite: nothing was deleted\n',
    });
  });
});
