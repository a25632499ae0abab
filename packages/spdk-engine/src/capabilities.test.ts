import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { capabilities, limitsFrom } from './capabilities.ts';

describe('capabilities', () => {
  it('say for every "not" why, and what mends it', () => {
    const { uring, directIo, spdk } = capabilities();
    for (const capability of [uring, directIo, spdk]) {
      if (capability.available) continue;
      expect(capability.why).not.toBe('');
      expect(capability.mend).not.toBe('');
    }
    expect(spdk.available ? spdk.version : spdk.why).toContain('SPDK');
  });

  it('name the directory where nothing can be written', () => {
    expect(capabilities('/sys').directIo).toMatchObject({ available: false, why: expect.stringContaining('/sys') });
  });

  it('leave nothing behind in the directory they tried', () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('.ferrite-probe-'));
    capabilities();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('.ferrite-probe-'))).toEqual(before);
  });

  it('read the limits of the process from the table of the kernel', () => {
    const table = [
      'Limit                     Soft Limit           Hard Limit           Units     ',
      'Max open files            1024                 20000                files     ',
      'Max locked memory         unlimited            unlimited            bytes     ',
    ].join('\n');
    expect(limitsFrom(table)).toEqual({ lockedMemoryBytes: 'unlimited', openFiles: 1024 });
  });
});
