import { createClient } from '@connectrpc/connect';
import { KvService } from '@ferrite/proto/kv';
import { expect, test } from 'vitest';
import { listenFabric, openFabricTransport } from '../src/index.ts';

test('short requests behind long ones on a full socket keep the streams in order', async () => {
  const bytesMax = 8 * 1024 * 1024;
  await using listener = await listenFabric({
    address: '127.0.0.1:0',
    routes: (router) => router.service(KvService, { put: ({ value }) => ({ ackedReplicas: value.length }) }),
  });
  await using transport = openFabricTransport({ address: listener.address });
  const client = createClient(KvService, transport);
  const put = async (length: number): Promise<number> => {
    const value = new Uint8Array(length);
    return (await client.put({ key: Uint8Array.of(1), value })).ackedReplicas;
  };
  await put(1);
  const lengths = Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? bytesMax / 4 : index));
  expect(await Promise.all(lengths.map(put))).toEqual(lengths);
});
