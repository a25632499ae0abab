// Counts of everything a run of `npm test` tried.

export const emptyTally = () => ({ passed: 0, failed: 0, skipped: [], failures: [] });

export function add(total, part) {
  total.passed += part.passed;
  total.failed += part.failed;
  total.skipped.push(...part.skipped);
  total.failures.push(...part.failures);
}

/** Failures, then every skip with its reason, then the one line that outside tools read. */
export function report({ passed, failed, skipped, failures }) {
  const lines = [];
  if (failures.length > 0) lines.push('', 'failed:', ...failures.map((name) => `  ${name}`));
  if (skipped.length > 0) lines.push('', 'skipped:', ...skipped.map(({ name, reason }) => `  ${name}: ${reason}`));
  lines.push('', `${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return `${lines.join('\n')}\n`;
}
