const DEPTH_MAX = 16;

/** The error and its causes, outermost first, at most 16 of them; stops at a cycle. */
export function causeChain(error: unknown): unknown[] {
  const chain: unknown[] = [];
  const seen = new Set<unknown>();
  for (let at = error; at !== undefined && at !== null && chain.length < DEPTH_MAX && !seen.has(at); ) {
    seen.add(at);
    chain.push(at);
    at = at instanceof Error ? at.cause : undefined;
  }
  return chain;
}
