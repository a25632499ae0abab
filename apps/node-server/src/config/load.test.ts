import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@ferrite/errors';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { parseSize } from './schema.ts';
import { SETTINGS } from './settings.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ferrite-config-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const minimal = { '--node.id': 'n1', '--storage.device': 'memory:' };

function file(text: string): string {
  const path = join(scratch, `c${Math.random()}.yaml`);
  writeFileSync(path, text);
  return path;
}

function refusal(run: () => unknown): StoreError {
  try {
    run();
  } catch (error) {
    if (StoreError.is(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the configuration of a node', () => {
  it('fills in defaults and reads sizes with units', () => {
    const config = loadConfig({ env: {}, flags: { ...minimal, '--storage.size': '1.5GiB' } });
    expect(config.listen.rpc).toBe('127.0.0.1:7401');
    expect(config.storage.size).toBe(1.5 * 1024 ** 3);
    expect(config.limits.maxConnections).toBe(12_000);
  });

  it('lets flags win over the environment and the environment over the file', () => {
    const path = file('node: {id: f}\nstorage: {device: "memory:"}\nlimits: {maxInFlight: 1, maxConnections: 2}\n');
    const env = { FERRITE_NODE_NODE_ID: 'e', FERRITE_NODE_LIMITS_MAX_IN_FLIGHT: '3' };
    const config = loadConfig({ file: path, env, flags: { '--node.id': 'g' } });
    expect(config.node.id).toBe('g');
    expect(config.limits.maxInFlight).toBe(3);
    expect(config.limits.maxConnections).toBe(2);
  });

  it('names an unknown setting wherever it stands', () => {
    expect(refusal(() => loadConfig({ file: file('nod: {}\n'), env: {}, flags: minimal })).message).toMatch(
      /nod: no such setting/,
    );
    expect(refusal(() => loadConfig({ env: { FERRITE_NODE_NOPE: '1' }, flags: minimal })).message).toMatch(
      /FERRITE_NODE_NOPE/,
    );
    expect(refusal(() => loadConfig({ env: {}, flags: { ...minimal, '--nope': '1' } })).message).toMatch(/--nope/);
  });

  it('says which setting is wrong, where it came from and what would be right', () => {
    const error = refusal(() => loadConfig({ env: { FERRITE_NODE_STORAGE_SIZE: 'much' }, flags: minimal }));
    expect(error.reason).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(
      /storage\.size: "much" is no size; write for example 4GiB \(from FERRITE_NODE_STORAGE_SIZE\)/,
    );
  });

  it('refuses features that this version does not have', () => {
    expect(
      refusal(() => loadConfig({ env: {}, flags: { ...minimal, '--security.tls': '{cert: a}' } })).message,
    ).toMatch(/only: off/);
  });

  it('refuses to listen beyond loopback unprotected unless told so', () => {
    const flags = { ...minimal, '--listen.rpc': '0.0.0.0:7401' };
    expect(refusal(() => loadConfig({ env: {}, flags })).message).toMatch(/reachable from other machines/);
    expect(loadConfig({ env: {}, flags: { ...flags, '--security.insecure': 'true' } }).listen.rpc).toBe('0.0.0.0:7401');
  });

  it('tells apart a file that is missing, that is no YAML and that holds no mapping', () => {
    expect(refusal(() => loadConfig({ file: join(scratch, 'none'), env: {}, flags: {} })).message).toMatch(
      /cannot be read \(ENOENT\)/,
    );
    expect(refusal(() => loadConfig({ file: file('a: [1'), env: {}, flags: {} })).message).toMatch(/is not YAML/);
    expect(refusal(() => loadConfig({ file: file('- 1\n'), env: {}, flags: {} })).message).toMatch(/no mapping/);
  });

  it('gives every setting one flag and one variable', () => {
    expect(SETTINGS.map((setting) => setting.flag)).toContain('--limits.max-in-flight');
    expect(SETTINGS.map((setting) => setting.env)).toContain('FERRITE_NODE_LIMITS_MAX_IN_FLIGHT');
    expect(new Set(SETTINGS.map((setting) => setting.flag)).size).toBe(SETTINGS.length);
  });

  it('accepts only whole numbers of bytes as sizes', () => {
    expect(parseSize('4GiB')).toBe(4 * 1024 ** 3);
    expect(parseSize(17)).toBe(17);
    for (const wrong of ['', '-1', '4GB', '1e3', '0.3B', '99999999TiB'])
      expect(parseSize(wrong), wrong).toBeUndefined();
  });
});
