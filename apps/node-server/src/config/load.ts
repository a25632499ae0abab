import { readFileSync } from 'node:fs';
import { StoreError } from '@ferrite/errors';
import { parse as parseYaml } from 'yaml';
import { configSchema, type NodeConfig } from './schema.ts';
import { SETTINGS } from './settings.ts';

/** Where settings come from; later sources win: file, environment, flags. */
export interface ConfigSources {
  /** Path of a YAML file. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flag (`--limits.max-in-flight`) to its text. */
  readonly flags: Readonly<Record<string, string>>;
}

/**
 * The configuration in force. Throws `CONFIG_INVALID` that names every wrong setting, where it came from and what would
 * be right.
 */
export function loadConfig(sources: ConfigSources): NodeConfig {
  const raw = sources.file === undefined ? {} : readYaml(sources.file);
  const origin = new Map<string, string>();
  for (const setting of SETTINGS) {
    const flag = sources.flags[setting.flag];
    const text = flag ?? sources.env[setting.env];
    if (text === undefined) continue;
    setPath(raw, setting.path, parseScalar(text));
    origin.set(setting.path.join('.'), flag === undefined ? setting.env : setting.flag);
  }
  refuseUnknown(sources);
  const result = configSchema.safeParse(raw);
  if (result.success) return checkListen(result.data);
  const where = sources.file ?? 'no file';
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.join('.');
    if (issue.code === 'unrecognized_keys')
      return `${[path, ...issue.keys].filter(Boolean).join('.')}: no such setting`;
    return `${path}: ${issue.message} (from ${origin.get(path) ?? where})`;
  });
  throw invalid(problems.join('; '));
}

/** The configuration as YAML-compatible data, for --print-config. */
export function printableConfig(config: NodeConfig): Record<string, unknown> {
  return structuredClone(config);
}

/** Refuses to listen beyond loopback while the links are neither encrypted nor authenticated. */
function checkListen(config: NodeConfig): NodeConfig {
  if (config.security.insecure) return config;
  for (const [name, address] of Object.entries(config.listen)) {
    const host = address.slice(0, address.lastIndexOf(':'));
    if (/^(127\.|localhost$|\[::1\]$)/.test(host)) continue;
    throw invalid(
      `listen.${name}: ${address} is reachable from other machines while security.tls and security.auth are off; ` +
        'listen on 127.0.0.1, or accept the risk with security.insecure: true',
    );
  }
  return config;
}

function refuseUnknown(sources: ConfigSources): void {
  const envs = new Set(SETTINGS.map((setting) => setting.env));
  const unknown = Object.keys(sources.env).filter((name) => name.startsWith('FERRITE_NODE_') && !envs.has(name));
  const flags = new Set(SETTINGS.map((setting) => setting.flag));
  unknown.push(...Object.keys(sources.flags).filter((name) => !flags.has(name)));
  if (unknown.length > 0) throw invalid(`no such setting: ${unknown.join(', ')}`);
}

function readYaml(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalid(`the file ${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause);
  }
  let data: unknown;
  try {
    data = parseYaml(text, { maxAliasCount: 10 });
  } catch (cause) {
    throw invalid(`${file} is not YAML: ${(cause as Error).message.split('\n')[0]}`, cause);
  }
  if (data === null || data === undefined) return {};
  if (typeof data !== 'object' || Array.isArray(data)) throw invalid(`${file} holds no mapping of settings`);
  return data as Record<string, unknown>;
}

/** Numbers, booleans, lists and mappings are written as in the file; everything else is text (`memory:` too). */
function parseScalar(text: string): unknown {
  if (!/^(\d+|true|false|[[{].*)$/s.test(text)) return text;
  try {
    return parseYaml(text, { maxAliasCount: 0 });
  } catch {
    return text;
  }
}

function setPath(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = target;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    if (typeof next === 'object' && next !== null) at = next as Record<string, unknown>;
    else at = at[part] = {} as Record<string, unknown>;
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

function invalid(message: string, cause?: unknown): StoreError {
  return new StoreError('CONFIG_INVALID', { message, ...(cause === undefined ? {} : { cause }) });
}
