import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';

const READY_TIMEOUT_MS = 60_000;
const SOURCE = ['--conditions=@ferrite/source', new URL('../src/main.ts', import.meta.url).pathname];
const BUILT = [new URL('../dist/main.js', import.meta.url).pathname];

/** Real node processes on loopback, each with its own device file; for tests only. */
export interface LocalCluster extends AsyncDisposable {
  readonly directory: string;
  readonly nodes: readonly LocalNode[];
}

/** One node process; it can be killed and started again. Numbers count from 1. */
export interface LocalNode {
  readonly id: string;
  readonly host: string;
  readonly rpc: string;
  readonly fabric: string;
  readonly metrics: string;
  readonly url: string;
  readonly image: string;
  readonly config: string;
  /** Starts the process and waits until it is ready. */
  start(): Promise<void>;
  /** Starts the process and resolves with its exit code when it ends. */
  run(): Promise<number | null>;
  /** Sends the signal and waits for the process to end; resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Sends the signal and does not wait. */
  signal(signal: NodeJS.Signals): void;
  log(): string;
  /** Waits until the node counts in the quorums of all its partitions. */
  serving(): Promise<void>;
}

export interface LocalClusterOptions {
  readonly nodes?: number;
  /** So many of the nodes, the last ones, are no members, and not started. */
  readonly spares?: number;
  readonly sizeMiB?: number;
  /** Runs what was built, which starts faster, instead of the source. */
  readonly built?: boolean;
  /** Where the topology is, if not in the cluster's directory. */
  readonly topology?: string;
  /** Extra settings, merged over the ones every node gets. */
  readonly settings?: Record<string, unknown>;
}

/** Starts a cluster of `nodes` (3) processes and waits until all are ready. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const spares = options.spares ?? 0;
  const count = (options.nodes ?? 3) + spares;
  const directory = mkdtempSync(join(tmpdir(), 'ferrite-e2e-'));
  const ports = await freePorts(count * 3);
  const address = (index: number): string => `127.0.0.1:${ports[index]}`;
  const members = Array.from({ length: count }, (_, i) => ({
    id: `n${i + 1}`,
    host: `h${i + 1}`,
    zone: 'a',
    weight: 1,
    rpc: address(3 * i),
    fabric: address(3 * i + 1),
  }));
  const nodes = members.map((member, i) => {
    const image = join(directory, `${member.id}.img`);
    const config = join(directory, `${member.id}.yaml`);
    writeFileSync(
      config,
      stringify({
        node: { id: member.id, host: member.host, zone: member.zone, weight: member.weight },
        listen: { rpc: member.rpc, fabric: member.fabric, metrics: address(3 * i + 2) },
        storage: { device: `file:${image}`, size: `${options.sizeMiB ?? 512}MiB` },
        cluster: {
          topology: options.topology ?? `file:${directory}`,
          cache: join(directory, `${member.id}.topology`),
          form: members.slice(0, count - spares),
        },
        ...options.settings,
      }),
    );
    return localNode({
      ...member,
      metrics: address(3 * i + 2),
      image,
      config,
      logFile: join(directory, `${member.id}.log`),
      program: options.built === true ? BUILT : SOURCE,
    });
  });
  const cluster: LocalCluster = {
    directory,
    nodes,
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
      if (process.env['FERRITE_KEEP'] === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(nodes.slice(0, count - spares).map((node) => node.start()));
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

interface LocalNodeInit {
  readonly id: string;
  readonly host: string;
  readonly rpc: string;
  readonly fabric: string;
  readonly metrics: string;
  readonly image: string;
  readonly config: string;
  readonly logFile: string;
  readonly program: readonly string[];
}

function localNode(init: LocalNodeInit): LocalNode {
  let child: ChildProcess | undefined;
  let ended: Promise<number | null> = Promise.resolve(null);

  const launch = (): void => {
    const log = createWriteStream(init.logFile, { flags: 'a' });
    const started = spawn(process.execPath, [...init.program, '--config', init.config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.stdout?.pipe(log, { end: false });
    started.stderr?.pipe(log, { end: false });
    ended = new Promise((resolve) => started.once('close', (code) => log.end(() => resolve(code))));
    child = started;
  };
  const log = (): string => readFileSync(init.logFile, 'utf8');

  return {
    ...init,
    url: `http://${init.rpc}`,
    log,
    async start() {
      launch();
      const started = child;
      const until = Date.now() + READY_TIMEOUT_MS;
      while (!(await ready(init.metrics))) {
        if (started?.exitCode !== null) throw new Error(`${init.id} ended with ${started?.exitCode}:\n${log()}`);
        if (Date.now() > until) throw new Error(`${init.id} is not ready:\n${log()}`);
        await sleep(50);
      }
    },
    async serving() {
      const until = Date.now() + READY_TIMEOUT_MS;
      for (let state = ''; state !== 'serving'; await sleep(50)) {
        const response = await fetch(`http://${init.rpc}/ferrite.node.v1.NodeService/GetStatus`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        });
        ({ state } = ((await response.json()) as { status: { state: string } }).status);
        if (Date.now() > until) throw new Error(`${init.id} is ${state}:\n${log()}`);
      }
    },
    async run() {
      launch();
      return await ended;
    },
    async stop(signal = 'SIGTERM') {
      if (child === undefined) return null;
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return await ended;
    },
    signal(signal) {
      child?.kill(signal);
    },
  };
}

async function ready(metrics: string): Promise<boolean> {
  try {
    return (await fetch(`http://${metrics}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
