import { hostname } from 'node:os';
import { z } from 'zod';

const KIB = 1024;
const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: KIB, MiB: KIB ** 2, GiB: KIB ** 3, TiB: KIB ** 4 };

/** A size in bytes, written as a number or with a unit: `4GiB`, `256MiB`, `65536`. */
export function parseSize(text: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(String(text));
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (UNITS[match[2] ?? 'B'] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const size = z.union([z.string(), z.number()]).transform((text, context) => {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is no size; write for example 4GiB` });
  return z.NEVER;
});

const identifier = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'use 1 to 63 letters, digits, dots, dashes and underscores'),
  );

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, 'write HOST:PORT, for example 127.0.0.1:7401');

const weight = z.number().positive().max(1000);

const member = z.strictObject({
  id: identifier,
  host: identifier,
  zone: identifier.default('a'),
  weight: weight.default(1),
  rpc: address,
  fabric: address,
});

/** What this version offers of a feature that a later one extends: only its "off" forms are accepted. */
const notYet = <T extends readonly [string | boolean, ...(string | boolean)[]]>(...values: T): z.ZodType<T[number]> =>
  z.literal([...values] as const, { error: `this version accepts only: ${values.join(', ')}` }) as z.ZodType<T[number]>;

/** YAML reads a bare `off` as a string (YAML 1.2) and `false` as a boolean; both mean off. */
const off = z
  .union([z.literal('off'), z.literal(false)], { error: 'this version accepts only: off' })
  .transform(() => 'off' as const);

/** The whole configuration of a node. Unknown keys are refused. */
export const configSchema = z.strictObject({
  node: z.strictObject({
    id: identifier,
    host: identifier.default(() => hostname()),
    zone: identifier.default('a'),
    weight: weight.default(1),
  }),
  listen: z
    .strictObject({
      rpc: address.default('127.0.0.1:7401'),
      fabric: address.default('127.0.0.1:7501'),
      metrics: address.default('127.0.0.1:7601'),
    })
    .prefault({}),
  storage: z.strictObject({
    device: z
      .string()
      .regex(/^(file:.+|block:\/.+|spdk:.+|memory:)$/, 'write file:PATH, block:/dev/NAME, spdk:BDEV or memory:'),
    size: size.prefault('4GiB'),
    driver: z.enum(['auto', 'uring', 'pool']).default('auto'),
    /** Path of SPDK's own configuration, for spdk:BDEV. */
    spdk: z.strictObject({ config: z.string().default('') }).prefault({}),
  }),
  cache: z
    .strictObject({ size: size.prefault('256MiB'), provider: notYet('auto', 'off').default('auto') })
    .prefault({}),
  cluster: z
    .strictObject({
      topology: z
        .string()
        .regex(/^(file:.+|etcd:http:\/\/.+)$/, 'write file:DIRECTORY or etcd:http://HOST:PORT/PREFIX')
        .default('file:.ferrite'),
      /** Where a node keeps what it knows of etcd, to start without it; by default `.ferrite/ID.topology`. */
      cache: z.string().default(''),
      /** The members of a new cluster; used only while no topology exists. */
      form: z.array(member).max(1000).default([]),
      adminUrl: z.string().default(''),
    })
    .prefault({}),
  limits: z
    .strictObject({
      maxConnections: z.int().min(1).max(1_000_000).default(12_000),
      maxInFlight: z.int().min(1).max(1_000_000).default(20_000),
      maxMessage: size.prefault('24MiB'),
      requestTimeoutMs: z.int().min(1).max(600_000).default(5_000),
    })
    .prefault({}),
  security: z
    .strictObject({ tls: off.default('off'), auth: off.default('off'), insecure: z.boolean().default(false) })
    .prefault({}),
  telemetry: z
    .strictObject({
      log: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
      logFormat: z.enum(['ecs', 'json']).default('ecs'),
      otlp: off.default('off'),
    })
    .prefault({}),
  events: z
    .strictObject({ sinks: z.array(z.never({ error: 'this version has no event sinks yet' })).default([]) })
    .prefault({}),
  monitor: z.strictObject({ ebpf: z.union([z.literal('auto'), off]).default('auto') }).prefault({}),
});

/** A validated configuration; sizes in bytes, times in milliseconds. */
export type NodeConfig = z.infer<typeof configSchema>;
