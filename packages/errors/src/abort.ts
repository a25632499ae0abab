/** True for what `AbortSignal` throws: cancellation is passed on unchanged, never wrapped. */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted === true && error === signal.reason) return true;
  return error instanceof Error && error.name === 'AbortError';
}
