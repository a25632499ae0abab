import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCluster, startLocalCluster } from './local-cluster.ts';

const proto = new URL('../../../proto', import.meta.url).pathname;
const script = new URL('./grpc_client.py', import.meta.url).pathname;
const python = '/usr/bin/python3';

function missing(): string | undefined {
  try {
    execFileSync(python, ['-c', 'import grpc, google.protobuf'], { stdio: 'ignore' });
  } catch {
    return 'python3-grpcio is not installed';
  }
  try {
    execFileSync('protoc', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'protobuf-compiler is not installed';
  }
  if (!existsSync('/usr/include/google/protobuf/duration.proto')) return 'libprotobuf-dev is not installed';
  return undefined;
}

describe('a gRPC client that shares no code with us', () => {
  let cluster: LocalCluster | undefined;
  const generated = mkdtempSync(join(tmpdir(), 'ferrite-grpc-'));
  const reason = missing();

  beforeAll(async () => {
    if (reason !== undefined) return;
    // The vendored files are mapped under another folder, because python's `grpc` package would hide theirs.
    const files = ['ferrite/errors/v1/error_detail.proto', 'ferrite/kv/v1/kv_service.proto'];
    const vendored = ['grpc_protos/health/v1/health.proto', 'grpc_protos/reflection/v1alpha/reflection.proto'];
    execFileSync('protoc', [
      `-I${proto}`,
      '-I/usr/include',
      `-Igrpc_protos=${proto}/vendor/grpc`,
      `--python_out=${generated}`,
      ...files,
      ...vendored,
    ]);
    cluster = await startLocalCluster();
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(generated, { recursive: true, force: true });
  });

  it('puts, gets, scans, reads errors, health and reflection', async ({ skip }) => {
    if (cluster === undefined) return skip(reason ?? 'the cluster did not start');
    const [first, second] = cluster.nodes;
    const { stdout } = await promisify(execFile)(python, [script, generated, first?.rpc ?? '', second?.rpc ?? '']);
    expect(JSON.parse(stdout)).toMatchObject({
      durable: expect.toSatisfy((count: number) => count >= 2),
      values: ['from python'],
      after: ['again'],
      scanned: ['py'],
      error: ['INVALID_ARGUMENT', 'KEY_EMPTY'],
      has_status_details: true,
      detail_named: true,
      health: 'SERVING',
      services: expect.arrayContaining([
        'ferrite.kv.v1.KvService',
        'ferrite.kv.v1.TopologyService',
        'grpc.health.v1.Health',
      ]),
      methods: ['Get', 'Put', 'Delete', 'Batch', 'Pipeline', 'Scan', 'Watch'],
    });
  });
});
