import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { latencyOfProcess, openEngine } from '../src/index.ts';
import { startProgram } from './run-program.ts';

const open = () => openEngine({ device: 'memory:', sizeBytes: 64 * 1024 * 1024 });
const key = Buffer.from('k');
const value = Buffer.from('v');

describe('the latencies of an engine', () => {
  it('count every operation by the time its promise settles, and still after close', async () => {
    const engine = await open();
    expect(engine.latency().append).toMatchObject({ count: 0, maxMicros: 0, meanMicros: 0 });
    const begun = performance.now();
    for (let count = 1; count <= 20; count += 1) {
      await engine.append({ keyspace: 1, key, value }).durable;
      expect(engine.latency().append.count).toBe(count);
    }
    await engine.get(1, key);
    await engine.remove(1, key).durable;
    await engine.scanPage({ keyspace: 1, partition: 0 });
    await engine.flush();
    const elapsedMicros = (performance.now() - begun) * 1000;
    const { append, get, remove, scan, flush, deviceRead, deviceWriteDurable } = engine.latency();
    for (const { count } of [get, remove, scan, flush]) expect(count).toBe(1);
    expect(deviceRead.count).toBe(engine.stats().deviceReads);
    expect(deviceWriteDurable.count).toBeGreaterThanOrEqual(21);
    expect(append.p50Micros).toBeGreaterThan(0);
    expect(append.p50Micros).toBeLessThanOrEqual(append.p99Micros);
    expect(append.p99Micros).toBeLessThanOrEqual(append.maxMicros);
    expect(append.meanMicros * append.count).toBeLessThanOrEqual(elapsedMicros);
    await engine.close();
    expect(engine.latency().append.count).toBe(20);
  });

  it('of a window are those since an earlier snapshot', async () => {
    await using engine = await open();
    await engine.append({ keyspace: 1, key, value }).durable;
    const earlier = engine.latency();
    await Promise.all(Array.from({ length: 50 }, () => engine.get(1, key)));
    const window = engine.latency().since(earlier);
    expect(window.append.count).toBe(0);
    expect(window.get.count).toBe(50);
    await using other = await open();
    expect(() => other.latency().since(earlier)).toThrow(/ARGUMENT_INVALID/);
  });

  it('can be kept beyond the engine and its garbage', async () => {
    const latencies = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const engine = await open();
        await engine.flush();
        await engine.close();
        return engine;
      }),
    );
    globalThis.gc?.();
    for (const engine of latencies) expect(engine.latency().flush.count).toBe(1);
  });
});

describe('latencyOfProcess', () => {
  it('reads the engine of another process while that one works', async () => {
    await using own = await open();
    await own.flush();
    const { child, ended } = startProgram('append-and-wait', 'memory:', '25');
    try {
      if (child.stdout !== null) await once(child.stdout, 'data');
      const [seen, ...others] = latencyOfProcess(child.pid ?? 0);
      expect(others).toEqual([]);
      expect(seen?.append.count).toBe(25);
      expect(seen?.append.maxMicros).toBeGreaterThan(0);
    } finally {
      child.kill();
      await ended;
    }
    expect(latencyOfProcess(process.pid).some((each) => each.flush.count === 1)).toBe(true);
  });

  it('finds nothing in a process without an engine, and names one that is not there', () => {
    expect(latencyOfProcess(process.ppid)).toEqual([]);
    expect(() => latencyOfProcess(2 ** 30)).toThrow(/ARGUMENT_INVALID: no process 1073741824/);
  });
});
