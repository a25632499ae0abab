import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImpl,
  type MethodImplSpec,
  type ServiceImpl,
} from '@connectrpc/connect';

/** Registers services; the same function is served by `listenHttp`, by `listenFabric` and by any Connect adapter. */
export type Routes = (router: ConnectRouter) => void;

/** What a {@link Routes} function registered. */
export interface RecordedRoutes {
  readonly services: readonly DescService[];
  /** By full name, such as `ferrite.kv.v1.KvService/Get`. */
  readonly methods: ReadonlyMap<string, MethodImplSpec>;
}

/** The name of a method on the wire. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Runs `routes` against a router that only takes notes. Options given per service concern HTTP and are not recorded. */
export function recordRoutes(routes: Routes): RecordedRoutes {
  const services = new Set<DescService>();
  const methods = new Map<string, MethodImplSpec>();
  const recorder: ConnectRouter = {
    handlers: [],
    service<T extends DescService>(service: T, implementation: Partial<ServiceImpl<T>>) {
      services.add(service);
      for (const spec of Object.values(createServiceImplSpec(service, implementation).methods)) {
        methods.set(methodName(spec.method), spec);
      }
      return recorder;
    },
    rpc<M extends DescMethod>(method: M, implementation: MethodImpl<M>) {
      services.add(method.parent);
      methods.set(methodName(method), createMethodImplSpec(method, implementation));
      return recorder;
    },
  };
  routes(recorder);
  return { services: [...services], methods };
}
