import type { Transport } from '@connectrpc/connect';
import { type FabricTransport, openFabricTransport, openHttpTransport } from '@ferrite/net';

/** A transport to one address, and how to let go of it. */
export interface Line {
  readonly transport: Transport;
  /** Calls in wire form, where the line can: a small call takes a fraction of the time. */
  readonly direct?: FabricTransport['call'];
  close(): Promise<void>;
}

/** Opens lines. It connects nothing by itself: the first call does. */
export interface Dial {
  /** `address` is HOST:PORT of a fabric port. */
  fabric(address: string): Line;
  /** `url` is that of an RPC port or of the admin API. */
  connect(url: string): Line;
}

/** Lines over real sockets. */
export const SOCKETS: Dial = {
  fabric(address) {
    const transport = openFabricTransport({ address });
    return { transport, direct: transport.call.bind(transport), close: () => transport.close() };
  },
  connect(baseUrl) {
    const transport = openHttpTransport({ baseUrl });
    return { transport, close: () => transport.close() };
  },
};
