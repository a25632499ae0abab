import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, EXIT_CONFIG } from './child.ts';
import { requireFreePorts } from './free-ports.ts';
import { joinNodes } from './join-nodes.ts';
import type { Layout, NodePlace } from './layout.ts';
import { CLUSTER_MARK } from './leftovers.ts';
import { StartRefused } from './start-refused.ts';

const POLL_MS = 50;
const READY_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 20_000;

const program = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** A running cluster: node processes and the admin API, restarted when they die. */
export interface Cluster {
  /** Nodes that do not run and will not be started again. */
  readonly down: readonly string[];
  /** Stops everything cleanly. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

/**
 * Starts every node and the admin API, and settles when they answer. A node whose device is damaged is left out as long as
 * a majority comes up. Throws what the first hopeless process said, with everything stopped again.
 */
export async function startCluster(
  layout: Layout,
  options: { readonly restart: boolean; readonly say: (line: string) => void; readonly signal: AbortSignal },
): Promise<Cluster> {
  await requireFreePorts(layout);
  const nodes = layout.nodes.map((place) => nodeChild(layout, place, options));
  const admin = adminChild(layout, options);
  const children = [...nodes, admin];
  const cluster: Cluster = {
    get down() {
      return nodes.filter((node) => node.ended !== undefined).map((node) => node.spec.name);
    },
    async stop() {
      await admin.stop(STOP_WITHIN_MS);
      await Promise.all(nodes.map((node) => node.stop(STOP_WITHIN_MS)));
    },
    kill: () => {
      for (const child of children) child.kill();
    },
  };
  try {
    const places = new Map(nodes.map((node, at) => [node, layout.nodes[at]!]));
    const start = async (some: readonly Child[]): Promise<void> => {
      for (const node of some) node.start();
      const probe = (node: Child): string => `http://${places.get(node)?.metrics}/readyz`;
      await Promise.all(some.map((node) => untilUp(node, probe(node), (status) => status === 200, options.signal)));
    };
    // Who has no device yet may be no member: those that have tell, and have it join.
    const old = nodes.filter((node) => existsSync(places.get(node)!.imageFile));
    const later = old.length === 0 ? [] : nodes.filter((node) => !old.includes(node));
    await start(later.length === 0 ? nodes : old);
    const up = old.find((node) => node.cameUp);
    if (later.length > 0 && up !== undefined) {
      await joinNodes(
        places.get(up)!,
        later.map((node) => places.get(node)!),
        options.say,
      );
      await start(later);
    }
    requireMajority(nodes);
    admin.start();
    await untilUp(admin, `http://${layout.admin}/`, (status) => status > 0, options.signal);
    if (admin.ended !== undefined) throw hopeless(admin);
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function nodeChild(
  layout: Layout,
  place: NodePlace,
  options: { restart: boolean; say: (line: string) => void },
): Child {
  const { configFile, logFile, pidFile } = place;
  // The program's first line names the flags of its Node; which Node that is, the path decides.
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const command = [program('apps/node-server/bin/ferrite-node.js'), '--config', configFile] as const;
  const env = { ...process.env, PATH: path, [CLUSTER_MARK]: layout.data };
  return new Child({ name: place.id, command, env, logFile, pidFile, restart: options.restart }, options.say);
}

function adminChild(layout: Layout, options: { say: (line: string) => void }): Child {
  const nodes = layout.nodes.map((place) => `http://${place.rpc}`).join(',');
  return new Child(
    {
      name: 'admin API',
      command: [process.execPath, program('apps/admin-api/dist/main.js'), '--listen', layout.admin, '--nodes', nodes],
      env: { ...process.env, [CLUSTER_MARK]: layout.data },
      logFile: join(layout.data, 'admin.log'),
      pidFile: join(layout.data, 'admin.pid'),
      restart: true,
    },
    options.say,
  );
}

/** Settles when the address answers as wanted, or when the process is down for good. */
async function untilUp(
  child: Child,
  url: string,
  wanted: (status: number) => boolean,
  stop: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (child.ended === undefined && !wanted(await statusOf(url))) {
    stop.throwIfAborted();
    if (Date.now() > deadline) {
      throw new StartRefused(
        'DEADLINE_EXCEEDED',
        `${child.spec.name} did not become ready within ${READY_WITHIN_MS / 1000} s; see ${child.spec.logFile}`,
        { exitCode: 1 },
      );
    }
    await sleep(POLL_MS);
  }
  child.cameUp = child.ended === undefined;
}

/** 0: nobody answers there. */
async function statusOf(url: string): Promise<number> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}

function requireMajority(all: readonly Child[]): void {
  // Who was taken out of the cluster has left its files here.
  const nodes = all.filter((node) => node.ended !== EXIT_CONFIG || !/the topology has no node/.test(node.lastWords()));
  const down = nodes.filter((node) => node.ended !== undefined);
  const misconfigured = down.find((node) => node.ended === EXIT_CONFIG);
  if (misconfigured !== undefined) throw hopeless(misconfigured);
  const [first] = down;
  if (first !== undefined && nodes.length - down.length <= nodes.length / 2) throw hopeless(first);
}

/** The child's last words start with its reason. */
function hopeless(child: Child): NodeStopped {
  return new NodeStopped(`${child.spec.name} cannot run: ${child.lastWords()}`, child.ended);
}

/** A process without which the cluster cannot run ended for good. */
export class NodeStopped extends Error {
  override readonly name = 'NodeStopped';
  readonly exitCode: number;

  constructor(message: string, ended: number | NodeJS.Signals | undefined) {
    super(message);
    this.exitCode = typeof ended === 'number' ? ended : 1;
  }
}
