import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Layout, layoutOf, type NodePlace, nodeConfig } from './layout.ts';
import { NODES_DEFAULT, PORT_BASE_DEFAULT, type StartOptions } from './options.ts';
import { StartRefused } from './start-refused.ts';

/** Makes the directory if needed and returns its real path. Throws `PATH_NOT_WRITABLE`. */
export function makeDataDirectory(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK | constants.X_OK);
    return realpathSync(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new StartRefused(
      'PATH_NOT_WRITABLE',
      `${path} cannot be written (${code}); give another directory with --data DIR`,
      { cause },
    );
  }
}

/**
 * The cluster that this start shall run: as asked, or as the data in the directory was made. Its addresses are part of its
 * topology, so a start cannot change them; more nodes than there are will join.
 */
export function chooseLayout(data: string, options: Pick<StartOptions, 'nodes' | 'portBase'>): Layout {
  const found = existingCluster(data);
  if (found === undefined) {
    return layoutOf(data, options.portBase ?? PORT_BASE_DEFAULT, options.nodes ?? NODES_DEFAULT);
  }
  if (options.nodes !== undefined && options.nodes < found.nodes) {
    const next = `start with --nodes ${found.nodes} or more, or use another --data DIR; npx ferrite node plan-remove takes one out`;
    throw new StartRefused(
      'CONFIG_INVALID',
      `--nodes ${options.nodes}: ${data} holds a cluster of ${found.nodes}, and members cannot be taken out by leaving them out; ${next}`,
    );
  }
  if (options.portBase !== undefined && found.portBase !== undefined && options.portBase !== found.portBase) {
    throw new StartRefused(
      'CONFIG_INVALID',
      `--port-base ${options.portBase}: the members in ${data} are known under ports from ${found.portBase}; ` +
        `start with --port-base ${found.portBase}, or use another --data DIR`,
    );
  }
  return layoutOf(data, options.portBase ?? found.portBase ?? PORT_BASE_DEFAULT, options.nodes ?? found.nodes);
}

function existingCluster(data: string): { readonly nodes: number; readonly portBase?: number } | undefined {
  const names = readdirSync(data);
  if (!names.some((name) => /^(n\d+\.img|topology\.\d+\.json)$/.test(name))) return undefined;
  const nodes = Math.max(0, ...names.map((name) => Number(/^n(\d+)\.(?:yaml|img)$/.exec(name)?.[1] ?? 0)));
  if (nodes === 0) return undefined;
  const place = names.find((name) => /^n\d+\.yaml$/.test(name));
  const address = place === undefined ? undefined : readConfig(join(data, place))?.listen?.rpc;
  const port = Number(/:(\d+)$/.exec(address ?? '')?.[1]);
  const portBase = port - Number(/\d+/.exec(place ?? '')?.[0]);
  return Number.isInteger(portBase) ? { nodes, portBase } : { nodes };
}

/** Writes `nI.yaml` where it is missing or belongs to another place; what a person edited stays. */
export function writeConfigs(layout: Layout): void {
  for (const place of layout.nodes) {
    if (existsSync(place.configFile) && isFor(layout, place)) continue;
    const text = stringify(nodeConfig(layout, place), { flowCollectionPadding: true });
    const header = `# Settings of node ${place.id} (see ferrite-node --help). Written by the first start; yours to edit.\n`;
    writeFileSync(place.configFile, header + text, { mode: 0o600 });
  }
}

interface WrittenConfig {
  readonly listen?: { readonly rpc?: string };
  readonly cluster?: { readonly topology?: string };
}

/** A configuration that does not parse is left alone: the node itself says best what is wrong with it. */
function isFor(layout: Layout, place: NodePlace): boolean {
  const config = readConfig(place.configFile);
  return config === undefined || config.cluster?.topology === `file:${layout.data}`;
}

function readConfig(path: string): WrittenConfig | undefined {
  try {
    return parse(readFileSync(path, 'utf8')) as WrittenConfig;
  } catch {
    return undefined;
  }
}
