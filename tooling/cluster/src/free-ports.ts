import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Layout } from './layout.ts';
import { StartRefused } from './start-refused.ts';

/**
 * Throws `ADDRESS_IN_USE` naming every port of the layout that something else listens on. Otherwise a foreign cluster's
 * answers would pass for those of the nodes about to start.
 */
export async function requireFreePorts(layout: Layout): Promise<void> {
  const addresses = [layout.admin, ...layout.nodes.flatMap(({ rpc, fabric, metrics }) => [rpc, fabric, metrics])];
  const taken: string[] = [];
  for (const address of addresses) if (!(await isFree(address))) taken.push(address);
  if (taken.length === 0) return;
  throw new StartRefused(
    'ADDRESS_IN_USE',
    `something else listens on ${taken.join(', ')}; stop it, or start with another --port-base and --data`,
  );
}

async function isFree(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  const server = createServer();
  try {
    server.listen(Number(address.slice(at + 1)), address.slice(0, at));
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
