import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HEADER_PATH, reasonHeader } from '../../../tooling/codegen/reasons-to-header.ts';
import { KINDS, type Kind } from './kind.ts';
import { isReason, REASONS, type Reason, reasonFromId, reasonSpec } from './reasons.ts';

const rows = Object.entries(REASONS);

/** The reasons that users, scripts and outside tests rely on, with their kinds. */
const PROMISED: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  invalid_argument: [
    'KEY_EMPTY',
    'KEY_TOO_LARGE',
    'VALUE_TOO_LARGE',
    'CONTEXT_INVALID',
    'CONFIG_INVALID',
    'FRAME_MALFORMED',
  ],
  not_found: ['KEYSPACE_NOT_FOUND'],
  failed_precondition: [
    'PROTOCOL_MISMATCH',
    'TOPOLOGY_STALE',
    'STALE_READ',
    'SIBLINGS_EXCEEDED',
    'SPDK_NOT_INSTALLED',
    'DEVICE_NOT_DURABLE',
    'EBPF_NO_BTF',
    'EBPF_KERNEL_TOO_OLD',
  ],
  resource_exhausted: ['DEVICE_FULL', 'OVERLOADED'],
  unavailable: ['QUORUM_UNAVAILABLE', 'FABRIC_UNAVAILABLE', 'RECOVERING'],
  deadline_exceeded: ['DEADLINE_EXCEEDED'],
  unauthenticated: ['UNAUTHENTICATED'],
  permission_denied: ['PERMISSION_DENIED', 'EBPF_PERMISSION', 'EBPF_ATTACH_REFUSED'],
  data_loss: ['CHECKSUM_MISMATCH', 'TAIL_AMBIGUOUS'],
  internal: ['DEVICE_FAILED'],
};

describe('the table of reasons', () => {
  it('gives every reason a number of its own that fits 16 bits', () => {
    const ids = rows.map(([, spec]) => spec.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(Number.isInteger(id) && id > 0 && id < 2 ** 16).toBe(true);
  });

  it.each(rows)(
    '%s has a name in capitals, a kind, a clause without full stop and sentences for the reader',
    (name, spec) => {
      expect(name).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
      expect(Object.keys(KINDS)).toContain(spec.kind);
      expect(spec.meaning).toMatch(/^[a-z].*[^.\s]$/);
      expect(spec.nextStep).toMatch(/^[A-Z].*\.$/);
    },
  );

  it.each(Object.entries(PROMISED))('keeps its promise for %s', (kind, names) => {
    for (const name of names) {
      expect(isReason(name)).toBe(true);
      expect(reasonSpec(name as Reason).kind).toBe(kind);
    }
  });

  it('has the reasons of a failed start', () => {
    for (const name of ['ADDRESS_IN_USE', 'PATH_NOT_WRITABLE', 'CONFIG_INVALID']) expect(isReason(name)).toBe(true);
  });

  it('never tells a caller to retry what is wrong in the request itself', () => {
    const wrong = rows.filter(([, { kind, retry }]) => kind === 'invalid_argument' && retry !== 'never');
    expect(wrong).toEqual([]);
  });

  it('finds a reason by its number, and calls an unknown number INTERNAL', () => {
    for (const [name, spec] of rows) expect(reasonFromId(spec.id)).toBe(name);
    expect(reasonFromId(0)).toBe('INTERNAL');
    expect(reasonFromId(65_535)).toBe('INTERNAL');
  });

  it('does not take what every object has for a reason', () => {
    for (const name of ['toString', 'constructor', '__proto__', '', 'key_empty']) expect(isReason(name)).toBe(false);
  });

  it('is what the C++ header was generated from', () => {
    const header = readFileSync(HEADER_PATH, 'utf8');
    expect(header).toBe(reasonHeader());
    for (const [name, spec] of rows) {
      expect(header).toMatch(new RegExp(`\\bk\\w+ = ${spec.id},`));
      expect(header).toContain(`return "${name}";`);
    }
  });
});
