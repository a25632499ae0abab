/**
 * A broken invariant is a bug, not a fault: it is never caught and retried, it ends the process. `id` names the rule
 * (`INV-REPL-3`, `P2`), so that a crash report points at the page that states it.
 */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Throws {@link InvariantViolation} unless `condition` holds. On in production too. */
export function invariant(condition: boolean, id: string, message = ''): asserts condition {
  if (!condition) throw new InvariantViolation(message === '' ? id : `${id}: ${message}`);
}

/** Marks a branch that the types rule out; the argument's type proves it. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new InvariantViolation(`${message}: ${printed(value)}`);
}

function printed(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
