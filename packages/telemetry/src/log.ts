import { ecsFormat } from '@elastic/ecs-pino-format';
import { pino } from 'pino';

/** Facts beside a log line: small, printable, never secrets or user data. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Structured log lines, one JSON object a line. Whoever classifies an error logs it, once. */
export interface Log {
  debug(text: string, facts?: Facts): void;
  info(text: string, facts?: Facts): void;
  warn(text: string, facts?: Facts): void;
  error(text: string, facts?: Facts): void;
}

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `ecs`: the Elastic Common Schema; `json`: pino's own fields. */
  readonly format: 'ecs' | 'json';
  readonly destination: NodeJS.WritableStream;
  /** On every line. */
  readonly fields?: Facts;
}

/** Names of facts whose value is never written, whoever logs it. */
const SECRET = ['authorization', 'token', 'secret', 'password', 'clusterKey', 'privateKey'];

/** Opens a log. Facts stand under `ferrite`, so that they cannot collide with the schema's own fields. */
export function openLog(options: LogOptions): Log {
  const { level, format, destination, fields = {} } = options;
  const redact = { paths: SECRET.map((name) => `ferrite.${name}`), censor: '[redacted]' };
  const base = format === 'ecs' ? ecsFormat({ serviceName: 'ferrite' }) : {};
  const logger = pino(
    { ...base, level, redact },
    destination as NodeJS.WritableStream & { write(text: string): boolean },
  );
  const write =
    (to: 'debug' | 'info' | 'warn' | 'error') =>
    (text: string, facts: Facts = {}) =>
      logger[to]({ ferrite: { ...fields, ...facts } }, text);
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

const ignore = (): void => {};

/** A log that keeps nothing: the default of libraries. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
