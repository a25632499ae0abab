// What `npx ferrite` and `npx ferrite-node` run in a checkout: the built program under the pinned Node, whatever Node
// npx itself came with.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

export function launch(program, main) {
  const node = path('tooling/bootstrap/node_modules/.bin/node');
  const built = path(main);
  if (!existsSync(node) || !existsSync(built)) {
    process.stderr.write(`${program}: this checkout is not built yet; run npm start first\n`);
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [built, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the child by itself; it decides when to end.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`${program}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
