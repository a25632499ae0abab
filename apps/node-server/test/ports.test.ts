import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonClient, must } from './json-client.ts';
import { type LocalCluster, type LocalNode, startLocalCluster } from './local-cluster.ts';

/** Sends bytes and gives what comes back until the node closes, or for two seconds. */
function exchange(address: string, bytes: Uint8Array | string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    const received: Buffer[] = [];
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(received).toString('latin1'));
    };
    const timer = setTimeout(done, 2000);
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('close', done);
    socket.on('error', done);
    socket.write(bytes);
  });
}

const noise = (seed: number): Uint8Array =>
  Uint8Array.from({ length: 4096 }, (_, i) => Math.imul(i + seed, 2_654_435_761) >>> 24);

describe('a node whose ports are spoken to in the wrong tongue', () => {
  let cluster: LocalCluster;
  let node: LocalNode;
  beforeAll(async () => {
    cluster = await startLocalCluster({ nodes: 1, sizeMiB: 256 });
    node = cluster.nodes[0] as LocalNode;
    must(await jsonClient(node.url).put('kept', 'value'));
  });
  afterAll(async () => await cluster[Symbol.asyncDispose]());

  it('tells an HTTP client that reached the fabric port what the port is', async () => {
    expect(await exchange(node.fabric, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(/PROTOCOL_MISMATCH/);
  });

  it('tells a client that calls an unknown path what the port speaks', async () => {
    const response = await fetch(`${node.url}/nothing`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(404);
    expect(await response.text()).toMatch(/PROTOCOL_MISMATCH: .*POST \/package\.Service\/Method/);
  });

  it('refuses a body of another type, and JSON that is none, by name', async () => {
    const put = (type: string, body: string) =>
      fetch(`${node.url}/ferrite.kv.v1.KvService/Put`, { method: 'POST', headers: { 'content-type': type }, body });
    expect((await put('text/plain', 'hello')).status).toBe(415);
    const broken = await put('application/json', '{"key":');
    expect(broken.status).toBe(400);
    expect(await broken.text()).toMatch(/invalid_argument/);
  });

  it('says on the metrics port that calls belong elsewhere, and shows its numbers', async () => {
    const metrics = await fetch(`http://${node.metrics}/metrics`);
    expect(await metrics.text()).toMatch(/ferrite_engine_appends_total [1-9]/);
    const call = await fetch(`http://${node.metrics}/ferrite.kv.v1.KvService/Get`, { method: 'POST', body: '{}' });
    expect(call.status).toBe(404);
  });

  it('survives noise on every port, with its data unharmed', async () => {
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    const attacks: (string | Uint8Array)[] = [noise(1), noise(7), '', '\0\0\0\0', preface, `${preface}garbage`, 'POST'];
    for (const address of [node.rpc, node.fabric, node.metrics]) {
      await Promise.all(attacks.map((bytes) => exchange(address, bytes)));
    }
    expect(must(await jsonClient(node.url).get('kept')).values).toEqual(['value']);
    expect((await fetch(`http://${node.metrics}/healthz`)).status).toBe(200);
  });
});
