import { z } from 'zod';
import { configSchema } from './schema.ts';

/** One leaf of the configuration, under its three names. */
export interface Setting {
  readonly path: readonly string[];
  /** `FERRITE_NODE_LIMITS_MAX_IN_FLIGHT` */
  readonly env: string;
  /** `--limits.max-in-flight` */
  readonly flag: string;
}

/** Every setting that a flag or an environment variable can give, in the order of the schema. */
export const SETTINGS: readonly Setting[] = leaves(configSchema, []).map((path) => ({
  path,
  env: ['FERRITE_NODE', ...path.map((part) => snake(part).toUpperCase())].join('_'),
  flag: `--${path.map((part) => snake(part).replaceAll('_', '-')).join('.')}`,
}));

function snake(camel: string): string {
  return camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function leaves(schema: z.ZodType, path: readonly string[]): readonly (readonly string[])[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [path];
  return Object.entries(inner.shape).flatMap(([name, child]) => leaves(child as z.ZodType, [...path, name]));
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return unwrap(schema.unwrap() as z.ZodType);
  return schema;
}
