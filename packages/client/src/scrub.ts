import { createClient } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { fromConnectError } from '@ferrite/net';
import { NodeService as AdminNodeService } from '@ferrite/proto/admin';
import { NodeService } from '@ferrite/proto/node';
import type { ClusterView } from './cluster-view.ts';
import { CONTROL_MS_MAX } from './limits.ts';
import { type ScrubState, scrubOf } from './node-states.ts';
import { urlOf } from './topology.ts';

/** Begins a scrub at a node unless one runs: asks the node itself, or the admin API where that is the server. */
export async function scrubNode(
  view: ClusterView,
  id: string,
  bytesPerSecond: number,
  signal: AbortSignal,
): Promise<ScrubState> {
  const { members } = await view.refresh();
  const member = members.find((each) => each.id === id);
  if (member === undefined) throw new StoreError('NODE_NOT_FOUND', { message: `there is no node "${id}"` });
  const own = new Set(members.map(urlOf));
  const admin = view.seeds.find((seed) => !own.has(seed));
  const options = { timeoutMs: CONTROL_MS_MAX, signal };
  const request = { bytesPerSecond: BigInt(bytesPerSecond) };
  try {
    const { scrub } =
      admin === undefined
        ? await createClient(NodeService, view.atUrl(urlOf(member)).connect).scrubNode(request, options)
        : await createClient(AdminNodeService, view.atUrl(admin).connect).scrubNode({ id, ...request }, options);
    return scrubOf(scrub);
  } catch (error) {
    signal.throwIfAborted();
    throw fromConnectError(error);
  }
}
