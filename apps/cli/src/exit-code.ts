/** What the exit code of `ferrite` says. */
export const EXIT = {
  ok: 0,
  /** The command failed, or a part of it did. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** `get`: the key is absent. */
  absent: 4,
  /** `get`: the key has several concurrent values. */
  siblings: 5,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
