import { expect, test } from 'vitest';
import { type Host, inspectHost } from './host.ts';
import { parseFindings } from './node-findings.ts';

interface Sample {
  readonly files?: Readonly<Record<string, string>>;
  readonly lists?: Readonly<Record<string, readonly string[]>>;
  readonly kernel?: string;
}

function hostOf({ files = {}, lists = {}, kernel = '6.1.0' }: Sample): Host {
  return { read: async (path) => files[path] ?? '', list: async (path) => lists[path] ?? [], root: false, kernel };
}

async function answers(sample: Sample): Promise<Record<string, boolean>> {
  return Object.fromEntries((await inspectHost(hostOf(sample))).map(({ name, ok }) => [name, ok]));
}

test('a bare host says no to everything, each time with what mends it', async () => {
  const findings = await inspectHost(hostOf({}));
  expect(findings.map(({ name }) => name)).toEqual(['locked memory', 'huge pages', 'NVMe', 'RDMA', 'eBPF']);
  for (const finding of findings) expect(finding).toMatchObject({ ok: false, mend: expect.stringMatching(/\S/) });
});

test('a host with everything says yes to everything', async () => {
  expect(
    await answers({
      files: {
        '/proc/self/limits': 'Max locked memory         unlimited            unlimited            bytes',
        '/proc/meminfo': 'HugePages_Total:     512\nHugepagesize:       2048 kB',
        '/proc/self/status': 'CapEff:\t000000c000000000',
      },
      lists: { '/sys/class/nvme': ['nvme0'], '/sys/class/infiniband': ['rxe0'], '/sys/kernel/btf': ['vmlinux'] },
    }),
  ).toEqual({ 'locked memory': true, 'huge pages': true, NVMe: true, RDMA: true, eBPF: true });
});

test.each([
  ['5.4.0', false],
  ['5.8.0-1', true],
  ['6.18.44-fc', true],
])('kernel %s may load programs: %s', async (kernel, ok) => {
  const files = { '/proc/self/status': 'CapEff:\t000001ffffffffff' };
  const found = await answers({ kernel, files, lists: { '/sys/kernel/btf': ['vmlinux'] } });
  expect(found['eBPF']).toBe(ok);
});

test('the findings of the node are taken only in their own form', () => {
  const checks = [{ name: 'io_uring', ok: false, detail: 'refused', mend: 'do this' }];
  expect(parseFindings(JSON.stringify({ checks }))).toEqual(checks);
  for (const other of ['', 'Error: no', '{}', '{"checks":[{"name":1}]}', '[]'])
    expect(parseFindings(other)).toBeUndefined();
});
