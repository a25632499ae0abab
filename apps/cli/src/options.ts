import type { Consistency, Durability } from '@ferrite/client';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { usageError } from './failure.ts';

/** The three nodes of `npm start`. */
export const SERVERS_DEFAULT = ['http://127.0.0.1:7401', 'http://127.0.0.1:7402', 'http://127.0.0.1:7403'] as const;

/** What every command takes. */
export interface GlobalOptions {
  readonly server?: string;
  readonly transport: 'fabric' | 'connect';
  readonly timeout: number;
  readonly json?: true;
}

export interface KeyOptions {
  readonly keyspace: string;
  readonly keyEncoding: KeyEncoding;
  readonly consistency?: Consistency;
}

export interface WriteFlags extends KeyOptions {
  readonly durability?: Durability;
  readonly context?: string;
  readonly blind?: true;
}

export type KeyEncoding = 'utf8' | 'base64' | 'hex';

/** `--server`, else FERRITE_SERVER, else the local nodes. */
export function serversOf(server: string | undefined, env: Readonly<Record<string, string | undefined>>): string[] {
  const text = server ?? env['FERRITE_SERVER'] ?? '';
  const named = text.split(',').map((part) => part.trim());
  const servers = named.filter((part) => part !== '');
  return servers.length > 0 ? servers : [...SERVERS_DEFAULT];
}

const WELL_FORMED: Readonly<Record<KeyEncoding, RegExp>> = {
  utf8: /^/,
  base64: /^[A-Za-z0-9+/_-]*={0,2}$/,
  hex: /^(?:[0-9A-Fa-f]{2})*$/,
};

/** The bytes of a key written on the command line. Throws a usage error. */
export function parseKey(text: string, encoding: KeyEncoding): Uint8Array {
  if (!WELL_FORMED[encoding].test(text)) throw usageError(`"${text}" is not ${encoding}`);
  return Buffer.from(text, encoding);
}

/** The bytes of a context as printed by `--json`. */
export function parseContext(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

export function parseAtLeastOne(text: string): number {
  const number = parseCount(text);
  if (number === 0) throw new InvalidArgumentError('Write a number of at least 1.');
  return number;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a time such as `90s`, `15m`, `12h` or `7d`; a bare number counts seconds. */
export function parseDurationMs(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d|)$/.exec(text) ?? [];
  if (digits === '') throw new InvalidArgumentError('Write a time such as 90s, 15m, 12h or 7d.');
  return Number(digits) * UNITS_MS[unit === '' ? 's' : unit]!;
}

export const keyspaceOption = (): Option =>
  new Option('-k, --keyspace <name>', 'the set of keys to work in').default('default');

const keyEncodingOption = (): Option =>
  new Option('--key-encoding <encoding>', 'how KEY is written').choices(['utf8', 'base64', 'hex']).default('utf8');

export const consistencyOption = (): Option =>
  new Option('--consistency <level>', 'replicas that must answer').choices(['one', 'quorum', 'all']);

export const durabilityOption = (): Option =>
  new Option('--durability <level>', 'where replicas must have the write').choices(['device', 'memory']);

const contextOption = (): Option =>
  new Option('--context <base64>', 'replace what this context covers, instead of what is there now');

export const blindOption = (): Option =>
  new Option('--blind', 'send no context: the write becomes a sibling of what is there').conflicts('context');

/** The options of every command that names a key. */
export function withKey(command: Command): Command {
  return command.addOption(keyspaceOption()).addOption(keyEncodingOption()).addOption(consistencyOption());
}

/** The options of every command that writes one key. */
export function withWrite(command: Command): Command {
  return withKey(command).addOption(durabilityOption()).addOption(contextOption()).addOption(blindOption());
}
