/** Chance. */
export interface Random {
  /** Bytes that nobody can guess. */
  bytes(length: number): Uint8Array;
}
