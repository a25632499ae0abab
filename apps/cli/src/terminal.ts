/** Where a command reads and writes; tests give their own. */
export interface Terminal {
  /** Writes to standard output and waits while the reader is slow. */
  out(data: string | Uint8Array): Promise<void>;
  /** Writes to standard error. */
  err(text: string): void;
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  /** Standard output, or standard error, is seen by a person. */
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Asks a question; undefined where nobody can answer. */
  readonly ask?: (question: string) => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}
