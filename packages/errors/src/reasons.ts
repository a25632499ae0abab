import type { Kind } from './kind.ts';

/**
 * When the same request is worth sending again: `never` (it will fail the same way), `later` (after a pause, with
 * backoff), `elsewhere` (at once, to another node or with fresh topology).
 */
export type Retry = 'never' | 'later' | 'elsewhere';

/** One row of the table of reasons. */
export interface ReasonSpec {
  /** Stable number, shared with the C++ cores; never reused. */
  readonly id: number;
  readonly kind: Kind;
  readonly retry: Retry;
  /** What happened, as one clause without a full stop. */
  readonly meaning: string;
  /** What the reader does about it, as an imperative sentence. */
  readonly nextStep: string;
}

/**
 * Every reason Ferrite can fail for. This table is the source of the C++ header `base/reason.gen.h` (regenerate with
 * `npm run codegen`), of the messages and of the documentation. Rows are added, never renumbered.
 */
// biome-ignore format: a table reads best with one row a line
export const REASONS = {
  KEY_EMPTY: row(1, 'invalid_argument', 'never', 'the key has no bytes', 'Send a key of 1 to 1024 bytes.'),
  KEY_TOO_LARGE: row(2, 'invalid_argument', 'never', 'the key is longer than 1024 bytes', 'Shorten the key, or hash it and keep the name in the value.'),
  VALUE_TOO_LARGE: row(3, 'invalid_argument', 'never', 'the value is larger than 8 MiB', 'Split the value over several keys.'),
  CONTEXT_INVALID: row(4, 'invalid_argument', 'never', 'the context was not issued by this cluster for this key', 'Get the key again and use the context of that answer, unchanged.'),
  CONFIG_INVALID: row(5, 'invalid_argument', 'never', 'the configuration is not valid', 'Correct the named setting; --print-config shows what is in force.'),
  FRAME_MALFORMED: row(6, 'invalid_argument', 'never', 'bytes on the connection are not a valid frame', 'Check that the client speaks the protocol of this port.'),
  ARGUMENT_INVALID: row(7, 'invalid_argument', 'never', 'an argument is not valid', 'Correct the named field.'),
  KEYSPACE_NOT_FOUND: row(20, 'not_found', 'never', 'there is no keyspace of that name', 'Create it with: ferrite keyspace create NAME.'),
  NODE_NOT_FOUND: row(21, 'not_found', 'never', 'there is no node of that id', 'List the nodes with: ferrite topology.'),
  KEYSPACE_EXISTS: row(22, 'already_exists', 'never', 'a keyspace of that name exists already', 'Use it, or choose another name.'),
  PROTOCOL_MISMATCH: row(40, 'failed_precondition', 'never', 'the two sides speak different protocols or versions', 'Connect to the right port, or upgrade the older side.'),
  TOPOLOGY_STALE: row(41, 'failed_precondition', 'elsewhere', 'the request was routed by an older topology', 'Fetch the topology again and retry.'),
  STALE_READ: row(42, 'failed_precondition', 'later', 'no replica could answer as new as the request demands', 'Retry, or read with a higher consistency.'),
  SIBLINGS_EXCEEDED: row(43, 'failed_precondition', 'never', 'the record holds as many concurrent values as it may', 'Get the record, merge its siblings and put the result with the context.'),
  SPDK_NOT_INSTALLED: row(44, 'failed_precondition', 'never', 'no usable SPDK was found when the engine was built', 'Install SPDK and build again, or use a file: or block: device.'),
  DEVICE_NOT_DURABLE: row(45, 'failed_precondition', 'never', 'the device cannot promise that flushed data survives power loss', 'Use another device, or ask for durability MEMORY.'),
  EBPF_NO_BTF: row(46, 'failed_precondition', 'never', 'the kernel publishes no BTF type information', 'Run a kernel built with CONFIG_DEBUG_INFO_BTF=y.'),
  EBPF_KERNEL_TOO_OLD: row(47, 'failed_precondition', 'never', 'the kernel lacks a BPF feature that the monitor needs', 'Run Linux 5.8 or newer.'),
  IMAGE_LOCKED: row(48, 'failed_precondition', 'later', 'another process has the device image open', 'Stop the other process, or open another image.'),
  FORMAT_UNKNOWN: row(49, 'failed_precondition', 'never', 'the device holds no Ferrite image, or one of a newer format', 'Name another device; to start anew, erase this one yourself.'),
  NODE_ID_IN_USE: row(50, 'failed_precondition', 'later', 'another live process runs with this node id', 'Stop the other process, or give this node another id.'),
  TOPOLOGY_CONFLICT: row(60, 'aborted', 'later', 'another writer changed the topology first', 'Read the topology again and repeat the change.'),
  DEVICE_FULL: row(80, 'resource_exhausted', 'later', 'the device has no room for the record', 'Delete data, add a node, or give the node a larger device.'),
  OVERLOADED: row(81, 'resource_exhausted', 'later', 'a queue or quota is full', 'Retry after the pause in retry_after, with backoff.'),
  MESSAGE_TOO_LARGE: row(82, 'resource_exhausted', 'never', 'the message is larger than the receiver accepts', 'Send less in one message.'),
  QUORUM_UNAVAILABLE: row(100, 'unavailable', 'later', 'too few replicas of the key answered', 'Check the nodes with: ferrite status. Reads at consistency ONE may still work.'),
  FABRIC_UNAVAILABLE: row(101, 'unavailable', 'elsewhere', 'the peer could not be reached', 'Check that the node runs and that its address in the topology is right.'),
  RECOVERING: row(102, 'unavailable', 'elsewhere', 'the replica is still catching up and may not answer', 'Ask another replica, or wait for recovery; ferrite status shows progress.'),
  SHUTTING_DOWN: row(103, 'unavailable', 'elsewhere', 'the node is shutting down', 'Retry at another node.'),
  TOPOLOGY_UNAVAILABLE: row(104, 'unavailable', 'later', 'the topology store does not answer', 'Data is served as before; bring the store back, then repeat the change of the topology.'),
  DEADLINE_EXCEEDED: row(120, 'deadline_exceeded', 'later', 'the deadline passed before an answer', 'Retry if the request is idempotent, or allow more time.'),
  UNAUTHENTICATED: row(140, 'unauthenticated', 'never', 'the caller gave no valid credentials', 'Present a valid certificate or token.'),
  PERMISSION_DENIED: row(141, 'permission_denied', 'never', 'the caller has no role that allows this', 'Ask an operator for the role.'),
  EBPF_PERMISSION: row(142, 'permission_denied', 'never', 'this process lacks the capability to load BPF programs', 'Grant CAP_BPF and CAP_PERFMON.'),
  EBPF_ATTACH_REFUSED: row(143, 'permission_denied', 'never', 'the kernel refused to attach a BPF program', 'Check the lockdown mode and the perf_event_paranoid setting.'),
  PATH_NOT_WRITABLE: row(144, 'permission_denied', 'never', 'a file or directory cannot be written', 'Grant write permission, or name another path.'),
  ADDRESS_IN_USE: row(145, 'failed_precondition', 'never', 'another process listens on that address', 'Stop the other process, or choose another port (--port-base).'),
  CHECKSUM_MISMATCH: row(160, 'data_loss', 'elsewhere', 'stored bytes do not match their checksum', 'Another replica will answer; run: ferrite doctor on this host and check the device.'),
  TAIL_AMBIGUOUS: row(161, 'data_loss', 'elsewhere', 'the last write group may be torn or damaged', 'Nothing to do: the replica merges from its peers before it counts again.'),
  DEVICE_TRUNCATED: row(162, 'data_loss', 'never', 'the device is smaller than the image on it', 'Restore the device to its former size, or delete the image and let the replica rebuild.'),
  DEVICE_FAILED: row(180, 'internal', 'elsewhere', 'the device failed and the engine stopped', 'Replace the device; the node rebuilds its data from the other replicas.'),
  INTERNAL: row(181, 'internal', 'never', 'an invariant was broken inside Ferrite', 'Please report this with the log of the node.'),
  UNIMPLEMENTED: row(200, 'unimplemented', 'never', 'this build does not offer the operation', 'Upgrade the server.'),
} as const satisfies Record<string, ReasonSpec>;

/** A name from {@link REASONS}. */
export type Reason = keyof typeof REASONS;

/** The row of a reason. */
export function reasonSpec(reason: Reason): ReasonSpec {
  return REASONS[reason];
}

/** True if `name` is a reason this build knows. */
export function isReason(name: string): name is Reason {
  return Object.hasOwn(REASONS, name);
}

const byId: ReadonlyMap<number, Reason> = new Map(
  Object.entries(REASONS).map(([name, spec]) => [spec.id, name as Reason]),
);

/** The reason with this stable number, as the C++ cores send it; `INTERNAL` for a number this build does not know. */
export function reasonFromId(id: number): Reason {
  return byId.get(id) ?? 'INTERNAL';
}

function row(id: number, kind: Kind, retry: Retry, meaning: string, nextStep: string): ReasonSpec {
  return { id, kind, retry, meaning, nextStep };
}
