// What each root script needs set up and what it then runs, under the pinned Node and from source.
import { join } from 'node:path';
import { root } from './environment.mjs';

const source = (script) => [
  '--conditions=@ferrite/source',
  '--disable-warning=ExperimentalWarning',
  join(root, script),
];

/** `run`: arguments of the pinned Node; absent for commands that this folder carries out itself. */
export const COMMANDS = {
  start: { purposes: [], run: source('tooling/cluster/src/main.ts') },
  bench: { purposes: ['bench'], run: source('tooling/bench/src/main.ts') },
  sim: { purposes: [], build: false, run: source('tooling/sim/run.ts') },
  chaos: { purposes: [], run: source('tooling/chaos/run.ts') },
  'test:engine-torture': { purposes: ['test'], build: false, run: source('tooling/engine-torture/run.ts') },
  codegen: { purposes: [], build: false, run: source('tooling/codegen/reasons-to-header.ts') },
  setup: { purposes: [] },
  check: { purposes: ['check'], own: () => import('./check-command.mjs') },
  test: { purposes: ['test'], own: () => import('./test-command.mjs') },
};
