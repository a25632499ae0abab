import * as api from '@ferrite/net';
import { expect, it } from 'vitest';

it('offers exactly these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "DEFAULT_LIMITS",
      "FIELD_BYTES_MAX",
      "WireReader",
      "WireWriter",
      "decodeGet",
      "decodeGot",
      "decodePut",
      "decodeWrote",
      "encodeGet",
      "encodeGot",
      "encodePut",
      "encodeWrote",
      "formatEndpoint",
      "fromConnectError",
      "limitsFrom",
      "listenFabric",
      "listenHttp",
      "openFabricTransport",
      "openHttpTransport",
      "parseEndpoint",
      "storeErrorInterceptor",
      "toConnectError",
      "unreadableAnswer",
    ]
  `);
});
