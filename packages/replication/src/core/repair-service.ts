import { StoreError } from '@ferrite/errors';
import type { Forgetting } from './forgetting.ts';
import { readLeaves } from './leaves.ts';
import { ROOTS_PARTITIONS_MAX } from './limits.ts';
import type { Outcome, PeerResponse } from './message.ts';
import type { RepairRequest } from './repair-message.ts';
import type { ReplicaContext } from './replica-context.ts';

type Respond = (outcome: Outcome<PeerResponse>) => void;

/** Tells peers how this node's replicas look, as far as its word counts (P7). */
export class RepairService {
  readonly #node: ReplicaContext;
  readonly #forgetting: Forgetting;

  constructor(node: ReplicaContext, forgetting: Forgetting) {
    this.#node = node;
    this.#forgetting = forgetting;
  }

  answer(request: RepairRequest, respond: Respond): void {
    const { standings, trees, background } = this.#node;
    if (request.type === 'forget') return this.#forgetting.answer(request, (value) => respond({ ok: true, value }));
    if (request.type === 'roots') {
      const keyspaces = this.#node.topology().keyspaces;
      const roots = request.partitions
        .slice(0, ROOTS_PARTITIONS_MAX)
        .filter((partition) => standings.isMember(partition))
        .flatMap((partition) =>
          keyspaces.flatMap(({ id: keyspaceId }) => {
            const tree = trees.ready(partition, keyspaceId);
            return tree === undefined ? [] : [{ partition, keyspaceId, root: tree.root }];
          }),
        );
      return respond({ ok: true, value: { type: 'roots', roots } });
    }
    const { partition, keyspaceId } = request;
    if (!standings.isMember(partition)) return respond({ ok: false, error: new StoreError('RECOVERING') });
    if (request.type === 'branch') {
      const children = trees.ready(partition, keyspaceId)?.children(request.node) ?? [];
      return respond({ ok: true, value: { type: 'branch', children } });
    }
    readLeaves(this.#node, request, (outcome) => {
      if (!outcome.ok) return respond(outcome);
      const { leaves, next, bytes } = outcome.value;
      background.charge(bytes);
      respond({ ok: true, value: { type: 'leaves', leaves, next } });
    });
  }
}
