import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@ferrite/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capabilities, type EngineConfig, openEngine } from '../src/index.ts';
import { type ConformanceImage, type ConformanceTarget, objectStoreConformance } from '../src/testing/index.ts';
import { startProgram } from './run-program.ts';
import { aio, bdevConfig, freePort, initiatorConfig, startTarget, type Target, targetProgram } from './spdk-target.ts';

const { spdk } = capabilities();
const program = await targetProgram();
const needsSpdk = spdk.available ? '' : ` (skipped: ${spdk.why})`;
const needsTarget = program === undefined ? ' (skipped: FERRITE_SPDK_ROOT names no SPDK with bin/nvmf_tgt)' : needsSpdk;

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferrite-spdk-'));
});
afterAll(() => rm(directory, { recursive: true }));

function suite(create: (image: ConformanceImage) => Promise<ConformanceTarget>): void {
  it.each(objectStoreConformance(create))('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
}

/** A file of zeroes, also if it was there before: whoever has it open sees zeroes from now on. */
async function blankFile(path: string, sizeBytes: number): Promise<void> {
  await writeFile(path, '', { flag: 'a' });
  await truncate(path, 0);
  await truncate(path, sizeBytes);
}

async function refusal(config: Partial<EngineConfig>): Promise<StoreError> {
  const opened = await openEngine({ device: '', sizeBytes: 0, ...config }).catch((error: unknown) => error);
  if (!StoreError.is(opened)) throw new Error('the device was opened');
  return opened;
}

it.skipIf(spdk.available)('says that SPDK is not installed, and what to do about it', async () => {
  const error = await refusal({ device: 'spdk:Nvme0n1', spdk: { config: {} } });
  expect(error.reason).toBe('SPDK_NOT_INSTALLED');
  expect(error.message).toContain('Install SPDK');
});

describe.skipIf(!spdk.available)(`the engine on a malloc bdev${needsSpdk}`, () => {
  let made = 0;
  suite(async (image) => {
    made += 1;
    const [name, before] = [`Malloc${made}`, `Malloc${made - 1}`];
    const blocks = { block_size: 4096, num_blocks: image.sizeBytes / 4096 };
    const gone: [string, object][] = made === 1 ? [] : [['bdev_malloc_delete', { name: before }]];
    const config = bdevConfig(...gone, ['bdev_malloc_create', { name, ...blocks }]);
    return {
      persistent: true,
      open: () => openEngine({ ...image, device: `spdk:${name}`, allowVolatile: true, spdk: { config } }),
      dispose: async () => undefined,
    };
  });

  it('is refused where it is not allowed, because the bdev is volatile', async () => {
    const config = bdevConfig(['bdev_malloc_create', { name: 'Volatile', block_size: 4096, num_blocks: 4096 }]);
    const error = await refusal({ device: 'spdk:Volatile', spdk: { config } });
    expect(error.reason).toBe('DEVICE_NOT_DURABLE');
    expect(error.message).toContain('keeps its contents in memory');
  });

  it('is refused with a bdev that is not there and with configurations that are none', async () => {
    const config = bdevConfig(['bdev_malloc_create', { name: 'There', block_size: 4096, num_blocks: 4096 }]);
    const text = join(directory, 'broken.json');
    await writeFile(text, '{"subsystems": [');
    for (const each of [config, text, join(directory, 'absent.json'), '']) {
      expect((await refusal({ device: 'spdk:Nowhere', spdk: { config: each } })).reason).toBe('CONFIG_INVALID');
    }
  });

  it('leaves the handling of SIGBUS as it was', async () => {
    // Bit 6 of the mask is SIGBUS (7): ours is not to be caught.
    const { output } = await startProgram('caught-signals').ended;
    const { before, after } = JSON.parse(output) as { before: string; after: string };
    expect(BigInt(`0x${after}`) & 0x40n).toBe(BigInt(`0x${before}`) & 0x40n);
  });
});

describe.skipIf(!spdk.available)(`the engine on an aio bdev${needsSpdk}`, () => {
  suite(async (image) => {
    const file = join(directory, 'aio');
    await blankFile(file, image.sizeBytes);
    const config = bdevConfig(aio('Aio', file));
    return {
      persistent: true,
      open: () => openEngine({ ...image, device: 'spdk:Aio', spdk: { config } }),
      dispose: async () => undefined,
    };
  });

  it('says that flushed data survives', async () => {
    const file = join(directory, 'aio-2');
    await blankFile(file, 16 * 1024 * 1024);
    const config = bdevConfig(aio('Aio2', file));
    await using engine = await openEngine({ device: 'spdk:Aio2', sizeBytes: 0, spdk: { config } });
    expect(engine.report).toMatchObject({ deviceKind: 'spdk', deviceDurable: true });
  });
});

describe.skipIf(needsTarget !== '')(`the engine on an NVMe-oF target${needsTarget}`, () => {
  const sizeBytes = 64 * 1024 * 1024;
  let port = 0;
  let file = '';
  let target: Target;
  const restart = async (): Promise<void> => void (target = await startTarget(program ?? '', directory, file, port));
  beforeAll(async () => {
    port = await freePort();
    file = join(directory, 'served');
    await blankFile(file, sizeBytes);
    await restart();
  });
  afterAll(() => target.kill());

  suite(async (image) => {
    await blankFile(file, image.sizeBytes);
    const config = initiatorConfig(port);
    return {
      persistent: true,
      open: () => openEngine({ ...image, device: 'spdk:Farn1', spdk: { config } }),
      dispose: async () => undefined,
    };
  });

  /** Appends until the device fails, in a process of its own; then tries to open it again until that works. */
  async function lose(signal: 'SIGKILL' | 'SIGSTOP', timeoutMs: number): Promise<Lost> {
    await blankFile(file, sizeBytes);
    const { child, ended } = startProgram('lose-target', JSON.stringify(initiatorConfig(port)), String(timeoutMs));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    await sleep(300); // a real sleep: the fault must fall on work in progress
    const at = Date.now();
    target.process.kill(signal);
    if (signal === 'SIGKILL') {
      await sleep(timeoutMs + 1000);
      await target.kill();
      await restart();
    } else {
      await sleep(timeoutMs + 1000);
      target.process.kill('SIGCONT');
    }
    const { output, code } = await ended;
    expect(code, output).toBe(0);
    return { at, ...(JSON.parse(output.slice(output.indexOf('{'))) as Omit<Lost, 'at'>) };
  }

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'fails in time after %s of the target under load, and recovers everything acknowledged after re-attaching',
    async (signal) => {
      const timeoutMs = 2000;
      const lost = await lose(signal, timeoutMs);
      expect(lost.reason).toBe('DEVICE_FAILED');
      expect(lost.failedAt - lost.at).toBeLessThan(timeoutMs + 1000);
      expect(lost.closeMs).toBeLessThan(timeoutMs + 1000);
      expect(lost.acknowledged).toBeGreaterThan(64);
      expect(lost.missing).toBe(0);
      expect(lost.report).toMatchObject({ created: false, clean: false, damaged: [] });
    },
  );

  it('is refused when SPDK sends no flush to a drive with a volatile cache', async () => {
    const { output } = await startProgram('open-spdk', 'Farn1', JSON.stringify(initiatorConfig(port, false))).ended;
    expect(output).toMatch(/^DEVICE_NOT_DURABLE .*enable_flush/);
  });
});

/** What `lose-target` tells. Times are those of the clock. */
interface Lost {
  readonly at: number;
  readonly failedAt: number;
  readonly closeMs: number;
  readonly reason: string;
  readonly acknowledged: number;
  readonly missing: number;
  readonly report: object;
}
