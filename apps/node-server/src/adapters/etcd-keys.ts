import type { MessageInitShape } from '@bufbuild/protobuf';
import { type CallOptions, type Client, createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { type HttpTransport, openHttpTransport } from '@ferrite/net';
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  KV,
  type PutRequestSchema,
  Watch,
  type WatchResponse,
} from '@ferrite/proto/etcd';

/** A key of etcd as it is. */
export interface EtcdValue {
  /** Absent: there is no such key. */
  readonly value: Uint8Array | undefined;
  /** When the key was last changed; 0n if it is not there. The token of a compare-and-set. */
  readonly modRevision: bigint;
  /** When this was read: changes after it have higher revisions. */
  readonly revision: bigint;
}

/** The part of etcd's API that Ferrite needs, over gRPC, at whichever endpoint answers. */
export interface EtcdKeys extends AsyncDisposable {
  get(key: string): Promise<EtcdValue>;
  /** Writes if the key was last changed at `modRevision` (0n: if it is not there). */
  compareAndSet(key: string, modRevision: bigint, value: Uint8Array): Promise<boolean>;
  /** Changes of a key from a revision on, until the signal aborts or the stream breaks. */
  watch(key: string, revision: bigint, signal: AbortSignal): AsyncIterable<WatchResponse>;
}

const utf8 = new TextEncoder();
/** What a topology of 65,536 partitions may take. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** Opens the endpoints (`http://host:port`), without asking them yet. An answer may take `timeoutMs`. */
export function openEtcdKeys(endpoints: readonly string[], timeoutMs: number): EtcdKeys {
  let at = 0;
  let transport: HttpTransport | undefined;
  const open = (): HttpTransport => {
    transport ??= openHttpTransport({
      baseUrl: endpoints[at % endpoints.length]!,
      protocol: 'grpc',
      limits: { messageBytesMax: MESSAGE_BYTES_MAX },
    });
    return transport;
  };
  const turnAway = (from: HttpTransport): void => {
    if (from !== transport) return;
    at++;
    transport = undefined;
    void from.close();
  };

  /** Asks one endpoint after another, as long as the question has had no effect. */
  const ask = async <T>(question: (kv: Client<typeof KV>, options: CallOptions) => Promise<T>): Promise<T> => {
    for (let turn = 1; ; turn++) {
      const asked = open();
      try {
        return await question(createClient(KV, asked), { timeoutMs });
      } catch (error) {
        turnAway(asked);
        const fault = StoreError.from(error);
        if (turn >= endpoints.length || fault.effect !== 'none') throw fault;
      }
    }
  };

  return {
    async get(key) {
      // A question that changes nothing may be asked again whatever became of it.
      const { kvs, header } = await ask((kv, options) =>
        kv.range({ key: utf8.encode(key) }, options).catch((error: unknown) => {
          throw StoreError.from(error).withEffect('none');
        }),
      );
      const [found] = kvs;
      return { value: found?.value, modRevision: found?.modRevision ?? 0n, revision: header?.revision ?? 0n };
    },

    async compareAndSet(key, modRevision, value) {
      const name = utf8.encode(key);
      const requestPut: MessageInitShape<typeof PutRequestSchema> = { key: name, value };
      const unchanged = {
        key: name,
        result: Compare_CompareResult.EQUAL,
        target: Compare_CompareTarget.MOD,
        targetUnion: { case: 'modRevision', value: modRevision },
      } as const;
      const success = [{ request: { case: 'requestPut', value: requestPut } }] as const;
      return (await ask((kv, options) => kv.txn({ compare: [unchanged], success: [...success] }, options))).succeeded;
    },

    async *watch(key, revision, signal) {
      const asked = open();
      try {
        const stream = createClient(Watch, asked).watch(created(key, revision, signal), { signal });
        yield* stream;
      } catch (error) {
        if (!signal.aborted) turnAway(asked);
        throw error;
      }
    },

    async [Symbol.asyncDispose]() {
      await transport?.close();
    },
  };
}

/** The request for a watch; the stream of requests stays open as long as the watch is wanted. */
async function* created(key: string, startRevision: bigint, signal: AbortSignal) {
  yield {
    requestUnion: { case: 'createRequest', value: { key: utf8.encode(key), startRevision } },
  } as const;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
