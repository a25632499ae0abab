import { readdir, readFile } from 'node:fs/promises';
import { type Finding, no, yes } from './finding.ts';

/** Reads of `/proc` and `/sys`; tests give their own. */
export interface Host {
  /** The text of a file; empty if it cannot be read. */
  read(path: string): Promise<string>;
  /** The names in a directory; empty if there is none. */
  list(path: string): Promise<readonly string[]>;
  readonly root: boolean;
  readonly kernel: string;
}

export function thisHost(kernel: string): Host {
  return {
    read: (path) => readFile(path, 'utf8').catch(() => ''),
    list: (path) => readdir(path).catch(() => []),
    root: process.getuid?.() === 0,
    kernel,
  };
}

/** Locked memory for rings and registered buffers, in bytes. */
const LOCKED_BYTES_WANTED = 64 * 1024 * 1024;

const CAP_PERFMON = 38n;
const CAP_BPF = 39n;
const CAP_SYS_ADMIN = 21n;

/** What the host offers beyond what the engine itself finds: huge pages, NVMe, RDMA, eBPF, limits. */
export async function inspectHost(host: Host): Promise<readonly Finding[]> {
  return await Promise.all([lockedMemory(host), hugePages(host), nvme(host), rdma(host), ebpf(host)]);
}

async function lockedMemory(host: Host): Promise<Finding> {
  const soft = /^Max locked memory\s+(\S+)/m.exec(await host.read('/proc/self/limits'))?.[1] ?? 'unknown';
  const detail = soft === 'unlimited' ? soft : `${soft} bytes`;
  if (soft === 'unlimited' || Number(soft) >= LOCKED_BYTES_WANTED || host.root) return yes('locked memory', detail);
  return no('locked memory', `${detail}; ${LOCKED_BYTES_WANTED} are wanted`, `ulimit -l ${LOCKED_BYTES_WANTED / 1024}`);
}

async function hugePages(host: Host): Promise<Finding> {
  const memory = await host.read('/proc/meminfo');
  const pages = Number(/^HugePages_Total:\s+(\d+)/m.exec(memory)?.[1] ?? 0);
  const kib = /^Hugepagesize:\s+(\d+)/m.exec(memory)?.[1] ?? '2048';
  if (pages > 0) return yes('huge pages', `${pages} of ${kib} KiB`);
  return no('huge pages', 'none are reserved; SPDK needs them', 'sudo sysctl -w vm.nr_hugepages=512');
}

async function nvme(host: Host): Promise<Finding> {
  const controllers = (await host.list('/sys/class/nvme')).toSorted();
  if (controllers.length > 0) return yes('NVMe', controllers.join(', '));
  return no(
    'NVMe',
    'no controller is bound to the kernel driver',
    'Add an NVMe device, or stay with a file: or block: device; any disk works.',
  );
}

async function rdma(host: Host): Promise<Finding> {
  const devices = (await host.list('/sys/class/infiniband')).toSorted();
  if (devices.length > 0) return yes('RDMA', devices.join(', '));
  return no(
    'RDMA',
    'no device',
    'sudo modprobe rdma_rxe && sudo rdma link add rxe0 type rxe netdev eth0   # software RDMA; name your interface',
  );
}

async function ebpf(host: Host): Promise<Finding> {
  const [major = 0, minor = 0] = host.kernel.split('.').map((part) => Number.parseInt(part, 10));
  if (major < 5 || (major === 5 && minor < 8))
    return no('eBPF', `kernel ${host.kernel} is too old`, 'Run Linux 5.8 or newer.');
  if (!(await host.list('/sys/kernel/btf')).includes('vmlinux')) {
    return no('eBPF', 'the kernel publishes no BTF', 'Run a kernel built with CONFIG_DEBUG_INFO_BTF=y.');
  }
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(await host.read('/proc/self/status'))?.[1] ?? '0'}`);
  const has = (capability: bigint): boolean => ((effective >> capability) & 1n) === 1n;
  if (has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON)))
    return yes('eBPF', `kernel ${host.kernel} with BTF, and the right to load programs`);
  return no(
    'eBPF',
    'this process may not load programs',
    'sudo setcap cap_bpf,cap_perfmon+ep "$(readlink -f "$(command -v node)")"',
  );
}
