import { type Cluster, NodeStopped, startCluster } from './cluster.ts';
import { chooseLayout, makeDataDirectory, writeConfigs } from './data-directory.ts';
import { lockDirectory } from './directory-lock.ts';
import type { Layout } from './layout.ts';
import { clearLeftovers } from './leftovers.ts';
import { HELP, parseOptions } from './options.ts';
import { StartRefused } from './start-refused.ts';

const say = (line: string): void => void process.stdout.write(`ferrite: ${line}\n`);

/** What `npm start` runs after the set-up: a cluster in the foreground. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), process.cwd());
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const data = makeDataDirectory(options.data);
  using _lock = await lockDirectory(data);
  await clearLeftovers(data, say);
  const layout = chooseLayout(data, options);
  writeConfigs(layout);

  const stop = new AbortController();
  let cluster: Cluster | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) cluster?.kill();
      else stop.abort(signal);
    });
  }
  say(`starting ${layout.nodes.length} ${layout.nodes.length === 1 ? 'node' : 'nodes'} on ${data}`);
  try {
    cluster = await startCluster(layout, { restart: options.restart, say, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) return say('stopped before it was ready');
    throw error;
  }
  announce(layout, cluster);
  await aborted(stop.signal);
  say('stopping (once more to end it at once)');
  await cluster.stop();
  say('stopped');
}

function announce(layout: Layout, cluster: Cluster): void {
  for (const place of layout.nodes) {
    const state = cluster.down.includes(place.id)
      ? `down, see ${place.logFile}`
      : `metrics http://${place.metrics}/metrics`;
    say(`${place.id}  rpc http://${place.rpc}  fabric ${place.fabric}  ${state}`);
  }
  say(`admin API http://${layout.admin}`);
  say('ready');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    // A listener alone keeps no process alive, and the nodes may all be down for the moment.
    const alive = setInterval(() => {}, 2 ** 30);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}

// The terminal or pipe that read us may be gone before we are.
process.stdout.on('error', () => {});

main().then(
  () => process.exit(),
  (error: unknown) => {
    const known = error instanceof StartRefused || error instanceof NodeStopped;
    const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
    process.stderr.write(`ferrite: ${text}\n`);
    process.exit(known ? error.exitCode : 1);
  },
);
