import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import * as surface from '../src/index.ts';

function lines(
  format: 'ecs' | 'json',
  level: 'info' | 'silent' = 'info',
): { log: surface.Log; written: Record<string, unknown>[] } {
  const written: Record<string, unknown>[] = [];
  const destination = new Writable({
    write: (chunk, _, done) => {
      written.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      done();
    },
  });
  return { log: surface.openLog({ level, format, destination, fields: { node: 'n1' } }), written };
}

describe('telemetry', () => {
  it('offers exactly these names', () => {
    expect(Object.keys(surface).sort()).toEqual(['openLog', 'openMetrics', 'silentLog']);
  });

  it('writes one object a line, in the Elastic Common Schema if asked', () => {
    const { log, written } = lines('ecs');
    log.warn('slow', { ms: 7 });
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({
      'log.level': 'warn',
      message: 'slow',
      'service.name': 'ferrite',
      ferrite: { node: 'n1', ms: 7 },
    });
    expect(written[0]).toHaveProperty(['@timestamp']);
  });

  it('never writes a fact that is named like a secret', () => {
    const { log, written } = lines('json');
    log.info('in', { token: 'canary-3141', clusterKey: 'canary-3141' });
    expect(JSON.stringify(written)).not.toContain('canary-3141');
  });

  it('keeps quiet below its level', () => {
    const { log, written } = lines('json', 'silent');
    log.error('nobody hears');
    surface.silentLog.error('nobody hears');
    expect(written).toEqual([]);
  });

  it('reads its numbers when they are scraped, and counters never go down', async () => {
    const metrics = surface.openMetrics();
    let total = 3;
    metrics.counter('a_total', 'A', () => total);
    metrics.gauge('b', 'B', () => total * 2);
    expect(await metrics.text()).toMatch(/a_total 3\n[^]*b 6\n/);
    total = 5;
    expect(await metrics.text()).toMatch(/a_total 5\n[^]*b 10\n/);
    total = 1;
    expect(await metrics.text()).toMatch(/a_total 5\n[^]*b 2\n/);
  });
});
