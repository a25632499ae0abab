import { defineConfig } from 'vitest/config';

const resolve = { conditions: ['@ferrite/source'] };
const ssr = { resolve: { conditions: ['@ferrite/source'] } };

/** Pure code: no files, no sockets, no real time. */
const unit = ['errors', 'hashing', 'vector-clock', 'replication', 'client', 'telemetry', 'net'].map(
  (name) => `packages/${name}/{src,test}/**/*.test.ts`,
);

/** Each kind of test is a project of its own: `vitest run --project unit`. */
export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: [...unit, 'proto/test/**/*.test.ts', 'apps/*/src/**/*.test.ts'],
          exclude: ['**/*.sim.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: { name: 'simulation', include: ['packages/replication/**/*.sim.test.ts'], testTimeout: 600_000 },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'native',
          include: ['packages/spdk-engine/{src,test}/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 120_000,
        },
      },
      { resolve, ssr, test: { name: 'tooling', include: ['tooling/*/**/*.test.ts'], testTimeout: 120_000 } },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['apps/*/test/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
