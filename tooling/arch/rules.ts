/** The arrows: package to the packages of ours it may import. What is not listed is forbidden. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  '@ferrite/errors': [],
  '@ferrite/proto': [],
  '@ferrite/hashing': ['@ferrite/errors'],
  '@ferrite/vector-clock': ['@ferrite/errors'],
  '@ferrite/spdk-engine': ['@ferrite/errors'],
  '@ferrite/telemetry': ['@ferrite/errors'],
  '@ferrite/net': ['@ferrite/proto', '@ferrite/errors'],
  '@ferrite/replication': ['@ferrite/hashing', '@ferrite/vector-clock', '@ferrite/errors'],
  '@ferrite/client': ['@ferrite/net', '@ferrite/hashing', '@ferrite/proto', '@ferrite/errors'],
  '@ferrite/cli': ['@ferrite/client', '@ferrite/net', '@ferrite/proto', '@ferrite/errors'],
  '@ferrite/admin-api': ['@ferrite/client', '@ferrite/net', '@ferrite/proto', '@ferrite/errors', '@ferrite/telemetry'],
  '@ferrite/node-server': [
    '@ferrite/errors',
    '@ferrite/hashing',
    '@ferrite/net',
    '@ferrite/proto',
    '@ferrite/replication',
    '@ferrite/spdk-engine',
    '@ferrite/telemetry',
    '@ferrite/vector-clock',
  ],
};

/** What tests may import beyond the arrows of their package (as devDependencies). */
export const TEST_ARROWS: Readonly<Record<string, readonly string[]>> = {
  '@ferrite/node-server': ['@ferrite/client'],
};

/** Packages that run anywhere: no `node:*` module in their sources. */
export const NO_NODE: readonly string[] = [
  '@ferrite/proto',
  '@ferrite/hashing',
  '@ferrite/vector-clock',
  '@ferrite/replication',
];

/** `proto` is schemas and nothing else. */
export const THIRD_PARTY: Readonly<Record<string, readonly string[]>> = {
  '@ferrite/errors': [],
  '@ferrite/proto': ['@bufbuild/protobuf'],
  '@ferrite/replication': [],
  '@ferrite/vector-clock': ['@noble/hashes'],
};

/** Inside a package: folder of `src` to the folders it may import ('' is `src` itself). Others are free. */
export const FOLDER_ARROWS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'packages/replication': {
    core: ['core'],
    ports: ['core', 'ports'],
    shell: ['core', 'ports', 'shell'],
    testing: ['core', 'ports', 'shell', 'testing'],
  },
};

/** The closed core: synchronous and deterministic, so these words do not occur in its code. */
export const CLOSED_FOLDER = 'packages/replication/src/core/';
export const CLOSED_WORDS: readonly RegExp[] = [
  /\bPromise\b/,
  /\basync\b/,
  /\bawait\b/,
  /\bDate\b/,
  /\bMath\.random\b/,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bqueueMicrotask\b/,
  /\bconsole\b/,
  /\bprocess\b/,
  /\bperformance\b/,
  /\bcrypto\b/,
  /\bfetch\b/,
  /\bglobalThis\b/,
];

/** C++ layers, by include prefix: layer to the layers it may include. `addon` is any packages/x/native. */
export const CPP_ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  runtime: ['base'],
  checksum: ['base'],
  engine: ['checksum', 'runtime', 'base'],
  napi: ['runtime', 'base'],
  testing: ['base'],
  addon: ['napi', 'runtime', 'base'],
};

/** The cores of which an addon holds exactly one. */
export const CORES: readonly string[] = ['engine', 'rdma', 'bpf'];

/** Folder of native/ to its include prefix, where they differ. */
export const CPP_PREFIX: Readonly<Record<string, string>> = { napi: 'napi_glue' };

/** Vendors' headers: each is included by at most one file. */
export const VENDOR_HEADERS: readonly RegExp[] = [/^liburing\.h$/, /^xxhash\.h$/, /^spdk\//, /^rdma\//, /^bpf\//];
