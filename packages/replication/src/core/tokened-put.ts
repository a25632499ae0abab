import { StoreError } from '@ferrite/errors';
import { addDot, contextAtTime, emptyContext, join, timeOf } from '@ferrite/vector-clock';
import { coordinateRead } from './get-coordinator.ts';
import type { Outcome, WriteResult } from './message.ts';
import { type CoordinatedWrite, coordinateWrite } from './put-coordinator.ts';
import { needed } from './quorum.ts';
import { tokenedWrite } from './record.ts';
import type { ReplicaContext } from './replica-context.ts';
import { routeNow } from './route.ts';
import { contextHash } from './tokened-writes.ts';

/** How often a write that turns out to be known is looked for again. */
const ATTEMPTS_MAX = 3;

/**
 * Coordinates a write that may have been sent before (P12, INV-REPL-23): what a quorum knows of its token is read first, and
 * brought to a quorum by that; if the write is there already, its result is given, and nothing is written. Each of the two
 * steps gets half of the time. A blind delete (`deletesSeen`) deletes what that same read saw.
 */
export function coordinateTokened(
  node: ReplicaContext,
  write: CoordinatedWrite & { readonly token: bigint },
  deletesSeen: boolean,
  done: (outcome: Outcome<WriteResult>) => void,
  attempt = 1,
): void {
  const { at, token } = write;
  const consistency = write.consistency === 'ALL' ? 'ALL' : 'QUORUM';
  const timeoutMs = write.timeoutMs / 2;
  const put = (context: CoordinatedWrite['context']): void => {
    const known = (): void => {
      if (attempt < ATTEMPTS_MAX)
        return coordinateTokened(node, { ...write, timeoutMs }, deletesSeen, done, attempt + 1);
      const message = 'the write has taken place here, and no quorum confirms it';
      done({ ok: false, error: new StoreError('QUORUM_UNAVAILABLE', { message, effect: 'unknown' }) });
    };
    coordinateWrite(node, { ...write, context, seen: contextHash(write.context), timeoutMs, known }, done);
  };
  if (node.planted('token-not-read')) return put(write.context);
  coordinateRead(node, { at, consistency, timeoutMs }, (read) => {
    if (!read.ok) return done(read);
    const { versions } = read.value;
    const found = tokenedWrite(versions, token);
    if (found === undefined) return put(deletesSeen ? versions.context : write.context);
    const copies = needed(consistency, routeNow(node, at)?.read.length ?? 0);
    // What a blind delete saw then nobody knows any more.
    const seen = write.context ?? emptyContext;
    // A later time than that of the write does no harm: what follows is later still.
    const time = write.policy === 'lww' ? contextAtTime(timeOf(versions.context)) : emptyContext;
    done({ ok: true, value: { context: join(addDot(seen, found), time), acked: copies, durable: copies, hinted: 0 } });
  });
}
