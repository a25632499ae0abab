export { type Endpoint, formatEndpoint, parseEndpoint } from './address.ts';
export { fromConnectError, storeErrorInterceptor, toConnectError } from './connect-error.ts';
export { type DirectAnswer, unreadableAnswer } from './fabric/direct-call.ts';
export type { DirectCall, DirectMethod } from './fabric/served-call.ts';
export { type FabricServerOptions, listenFabric } from './fabric/server.ts';
export { type FabricTransport, type FabricTransportOptions, openFabricTransport } from './fabric/transport.ts';
export type { CorsOrigins } from './http/cors.ts';
export type { HealthHook } from './http/health.ts';
export { type HttpServerOptions, listenHttp } from './http/listen.ts';
export type { PlainAnswer, PlainHandler, PlainRoutes } from './http/plain.ts';
export { type HttpTransport, type HttpTransportOptions, openHttpTransport } from './http/transport.ts';
export { DEFAULT_LIMITS, type Limits, limitsFrom } from './limits.ts';
export type { Listener } from './listener.ts';
export type { Routes } from './routes.ts';
export {
  decodeGet,
  decodeGot,
  decodePut,
  decodeWrote,
  encodeGet,
  encodeGot,
  encodePut,
  encodeWrote,
  type GetFields,
  type GotFields,
  type PutFields,
  type SiblingFields,
  type WroteFields,
} from './wire/kv-wire.ts';
export { WireReader } from './wire/wire-reader.ts';
export { FIELD_BYTES_MAX, WireWriter } from './wire/wire-writer.ts';
