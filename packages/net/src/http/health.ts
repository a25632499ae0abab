import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@ferrite/proto/health';

/** The health of a service by its full name; the empty name means the whole server. Undefined: no such service. */
export type HealthHook = (service: string) => 'serving' | 'not_serving' | undefined;

/** How often a watch looks again, in milliseconds. */
const WATCH_MS = 500;

/** Adds `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export function healthRoutes(router: ConnectRouter, health: HealthHook): void {
  router.service(Health, {
    check({ service }) {
      const status = statusOf(health(service));
      if (status === Status.SERVICE_UNKNOWN) throw new ConnectError('unknown service', Code.NotFound);
      return { status };
    },
    async *watch({ service }, { signal }) {
      let last: Status | undefined;
      while (!signal.aborted) {
        const status = statusOf(health(service));
        if (status !== last) yield { status };
        last = status;
        await sleep(WATCH_MS, undefined, { signal, ref: false }).catch(() => {});
      }
    },
  });
}

function statusOf(health: ReturnType<HealthHook>): Status {
  if (health === undefined) return Status.SERVICE_UNKNOWN;
  return health === 'serving' ? Status.SERVING : Status.NOT_SERVING;
}
