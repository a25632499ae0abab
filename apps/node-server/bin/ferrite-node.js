#!/usr/bin/env -S node --single-threaded-gc --min-semi-space-size=32 --max-semi-space-size=64
// The flags: a node's garbage is young, and a core that collects it beside the node is a core less to serve with (ADR 0007).
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  process.stderr.write('ferrite-node is not built yet; run npm start first\n');
  process.exitCode = 1;
}
