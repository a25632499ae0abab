/** Time. */
export interface Clock {
  /** Unix milliseconds. Stamps values for people; no rule of the protocol reads it. */
  wallMs(): number;
  /** Calls `fire` after at least `ms` milliseconds, unless the returned function is called before. */
  setTimer(ms: number, fire: () => void): () => void;
}
