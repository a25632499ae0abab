import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chooseLayout, makeDataDirectory, writeConfigs } from './data-directory.ts';
import { layoutOf } from './layout.ts';

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'ferrite-data-'));
});
afterEach(() => rmSync(data, { recursive: true }));

/** The traces that a cluster of this size leaves in the directory. */
function formed(nodes: number, portBase = 7400): void {
  const layout = layoutOf(data, portBase, nodes);
  writeConfigs(layout);
  for (const place of layout.nodes) writeFileSync(place.imageFile, '');
  writeFileSync(join(data, 'topology.1.json'), '{}');
}

describe('the layout of a start', () => {
  it('is three nodes on 7400 in an empty directory', () => {
    const layout = chooseLayout(data, {});
    expect(layout.admin).toBe('127.0.0.1:7400');
    expect(layout.nodes.map((node) => [node.rpc, node.fabric, node.metrics])).toEqual([
      ['127.0.0.1:7401', '127.0.0.1:7501', '127.0.0.1:7601'],
      ['127.0.0.1:7402', '127.0.0.1:7502', '127.0.0.1:7602'],
      ['127.0.0.1:7403', '127.0.0.1:7503', '127.0.0.1:7603'],
    ]);
  });

  it('follows the data that is there', () => {
    formed(5, 9000);
    const layout = chooseLayout(data, {});
    expect(layout.nodes).toHaveLength(5);
    expect(layout.portBase).toBe(9000);
  });

  it('is still known when one configuration and one image are gone', () => {
    formed(3, 9000);
    rmSync(join(data, 'n1.yaml'));
    rmSync(join(data, 'n2.img'));
    expect(chooseLayout(data, {})).toMatchObject({ portBase: 9000, nodes: [{}, {}, {}] });
  });

  it.each([
    [{ nodes: 2 }, 'cannot be taken out'],
    [{ portBase: 8000 }, 'start with --port-base 7400'],
  ])('refuses %j on the data of three nodes and says what to do', (asked, words) => {
    formed(3);
    expect(() => chooseLayout(data, asked)).toThrow(
      expect.objectContaining({ reason: 'CONFIG_INVALID', message: expect.stringContaining(words) }),
    );
  });
});

it('a cluster of more nodes than there are is one that grows', () => {
  formed(3, 9000);
  expect(chooseLayout(data, { nodes: 5 })).toMatchObject({ portBase: 9000, nodes: [{}, {}, {}, {}, { id: 'n5' }] });
});

describe('the configurations of the nodes', () => {
  it('name every member for forming the cluster, each on a host of its own', () => {
    writeConfigs(layoutOf(data, 7400, 3));
    const config = parse(readFileSync(join(data, 'n2.yaml'), 'utf8'));
    expect(config.node).toMatchObject({ id: 'n2', host: 'h2' });
    expect(config.cluster.form.map((member: { host: string }) => member.host)).toEqual(['h1', 'h2', 'h3']);
    expect(config.storage).toEqual({ device: `file:${data}/n2.img`, size: '4GiB' });
  });

  it('stay as a person edited them', () => {
    const layout = layoutOf(data, 7400, 3);
    writeConfigs(layout);
    const path = join(data, 'n1.yaml');
    const edited = readFileSync(path, 'utf8').replace('4GiB', '1GiB');
    writeFileSync(path, edited);
    writeConfigs(layout);
    expect(readFileSync(path, 'utf8')).toBe(edited);
  });

  it('are written anew when the directory was moved', () => {
    writeConfigs(layoutOf(data, 7400, 1));
    const path = join(data, 'n1.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(data, '/elsewhere'));
    writeConfigs(layoutOf(data, 7400, 1));
    expect(readFileSync(path, 'utf8')).toContain(`file:${data}/n1.img`);
  });
});

describe('the data directory', () => {
  it('is PATH_NOT_WRITABLE where a file is in the way', () => {
    writeFileSync(join(data, 'file'), '');
    expect(() => makeDataDirectory(join(data, 'file', 'below'))).toThrow(
      expect.objectContaining({ reason: 'PATH_NOT_WRITABLE' }),
    );
  });
});
