// Keeps one core busy: node busy-process.ts PERCENT SECONDS. Ends after that time, or when whoever started it is gone.
const SLICE_MS = 100;

const percent = Number(process.argv[2]);
const endsAt = performance.now() + Number(process.argv[3]) * 1_000;

function slice(): void {
  const startedAt = performance.now();
  if (startedAt >= endsAt) process.exit(0);
  while (performance.now() - startedAt < (SLICE_MS * percent) / 100);
  setTimeout(slice, SLICE_MS * (1 - percent / 100));
}

process.once('disconnect', () => process.exit(0));
slice();
