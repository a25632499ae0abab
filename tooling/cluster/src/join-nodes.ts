import type { NodePlace } from './layout.ts';
import { StartRefused } from './start-refused.ts';

const CALL_WITHIN_MS = 10_000;

/** The parts of the answers that matter here. */
interface Answer {
  readonly plan?: { readonly id: string; readonly moves?: readonly unknown[] };
  readonly members?: readonly { readonly id: string }[];
  readonly message?: string;
}

/**
 * Has those of `places` join that are no members yet, by a plan that `node` makes and commits; partitions move to them in
 * the background. Throws `StartRefused` if that fails, or if somebody else's plan waits to be committed.
 */
export async function joinNodes(
  node: NodePlace,
  places: readonly NodePlace[],
  say: (line: string) => void,
): Promise<void> {
  const { members = [] } = await call(node, 'ferrite.kv.v1.TopologyService/GetTopology', {});
  const missing = places.filter(({ id }) => !members.some((member) => member.id === id));
  if (missing.length === 0) return;
  const waiting = (await call(node, 'ferrite.node.v1.NodeService/GetPlan', {})).plan;
  if (waiting !== undefined) {
    const names = missing.map(({ id }) => id).join(', ');
    throw new StartRefused(
      'CONFIG_INVALID',
      `${names} cannot join while plan ${waiting.id} waits: start with the nodes that are there and commit or discard it`,
    );
  }
  let answer: Answer = {};
  for (const { id, rpc, fabric } of missing) {
    const join = { id, host: id.replace('n', 'h'), zone: 'a', weight: 1, rpcAddress: rpc, fabricAddress: fabric };
    answer = await call(node, 'ferrite.node.v1.NodeService/PlanChange', { change: { join } });
  }
  await call(node, 'ferrite.node.v1.NodeService/CommitPlan', { id: answer.plan?.id });
  for (const { id } of missing) say(`${id} joins`);
  const moves = answer.plan?.moves?.length ?? 0;
  say(`${moves} partitions move in the background; npx ferrite status tells how far that is`);
}

async function call(node: NodePlace, method: string, body: object): Promise<Answer> {
  const response = await fetch(`http://${node.rpc}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_WITHIN_MS),
  });
  const answer = (await response.json()) as Answer;
  if (response.ok) return answer;
  throw new StartRefused('CONFIG_INVALID', `${node.id} refused: ${answer.message ?? response.status}`);
}
