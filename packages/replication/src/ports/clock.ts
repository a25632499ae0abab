/** Time. */
export interface Clock {
  /** Unix milliseconds. Stamps values for people; no rule of the protocol reads it. */
  wallMs(): number;
  /** Milliseconds since some moment; never goes back, whatever becomes of the wall clock. */
  monotonicMs(): number;
  /** Calls `fire` after at least `ms` milliseconds, unless the returned function is called before. */
  setTimer(ms: number, fire: () => void): () => void;
}
