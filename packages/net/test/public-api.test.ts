import * as api from '@ferrite/net';
import { expect, it } from 'vitest';

it('offers exactly these names', () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "DEFAULT_LIMITS",
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
    ]
  `);
});
