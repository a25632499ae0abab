import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One call of SPDK's configuration. */
export type SpdkCall = readonly [method: string, params: object];

const NQN = 'nqn.2026-01.org.ferrite:test';

/**
 * A configuration of SPDK that makes these bdevs and looks into none of them. What concerns the whole process counts in
 * the first one only, so that each says it.
 */
export function bdevConfig(...calls: SpdkCall[]): object {
  return withOptions({ enable_flush: true }, calls);
}

function withOptions(nvme: object, calls: readonly SpdkCall[]): object {
  const options: SpdkCall[] = [
    ['bdev_set_options', { bdev_auto_examine: false }],
    ['bdev_nvme_set_options', { bdev_retry_count: 0, keep_alive_timeout_ms: 1000, ...nvme }],
  ];
  return { subsystems: [subsystem('bdev', ...options, ...calls)] };
}

/** The file as bdev. */
export const aio = (name: string, filename: string): SpdkCall => [
  'bdev_aio_create',
  { name, filename, block_size: 4096 },
];

/** The target on `port` as bdev `Farn1`. A lost target is given up after two seconds. */
export function initiatorConfig(port: number, enableFlush = true): object {
  return withOptions({ enable_flush: enableFlush }, [
    [
      'bdev_nvme_attach_controller',
      {
        name: 'Far',
        trtype: 'TCP',
        adrfam: 'IPv4',
        traddr: '127.0.0.1',
        trsvcid: String(port),
        subnqn: NQN,
        ctrlr_loss_timeout_sec: 2,
        reconnect_delay_sec: 1,
        fast_io_fail_timeout_sec: 1,
      },
    ],
  ]);
}

/** SPDK's own NVMe-oF target, serving one file over TCP on the loopback interface. */
export interface Target {
  readonly process: ChildProcess;
  /** Ends it at once, as a failing machine would. */
  kill(): Promise<void>;
}

/** The target program of the SPDK that `FERRITE_SPDK_ROOT` names; `undefined` where there is none. */
export async function targetProgram(): Promise<string | undefined> {
  const root = process.env['FERRITE_SPDK_ROOT'];
  if (root === undefined || root === '') return undefined;
  const program = join(root, 'bin', 'nvmf_tgt');
  return access(program).then(
    () => program,
    () => undefined,
  );
}

/** Starts the target and waits until it listens. `directory` gets its configuration, log and control socket. */
export async function startTarget(program: string, directory: string, file: string, port: number): Promise<Target> {
  const listener = { trtype: 'TCP', adrfam: 'IPv4', traddr: '127.0.0.1', trsvcid: String(port) };
  const { subsystems } = bdevConfig(aio('Served', file)) as { subsystems: object[] };
  const nvmf = subsystem(
    'nvmf',
    ['nvmf_create_transport', { trtype: 'TCP' }],
    ['nvmf_create_subsystem', { nqn: NQN, allow_any_host: true, serial_number: 'FERRITE' }],
    ['nvmf_subsystem_add_ns', { nqn: NQN, namespace: { bdev_name: 'Served' } }],
    ['nvmf_subsystem_add_listener', { nqn: NQN, listen_address: listener }],
  );
  const config = join(directory, 'target.json');
  await writeFile(config, JSON.stringify({ subsystems: [...subsystems, nvmf] }));
  const args = ['-m', '0x1', '--no-huge', '-s', '768', '--no-pci', '-c', config, '-r', join(directory, 'rpc')];
  const log = openSync(join(directory, 'target.log'), 'a');
  // Niced: it polls, and whoever it serves must have a turn on a machine of few cores.
  const child = spawn('nice', ['-n', '5', program, ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, LD_LIBRARY_PATH: join(program, '..', '..', 'lib') },
  });
  const ended = once(child, 'exit');
  while (!(await listening(port))) {
    if (child.exitCode !== null)
      throw new Error(`the target ended with ${child.exitCode}; see ${directory}/target.log`);
    await sleep(50);
  }
  return {
    process: child,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

function subsystem(name: string, ...calls: SpdkCall[]): object {
  return { subsystem: name, config: calls.map(([method, params]) => ({ method, params })) };
}

async function listening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}
