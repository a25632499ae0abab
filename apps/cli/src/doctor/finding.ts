/** One thing that this host can do, or not. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What is so, or why it is not. */
  readonly detail: string;
  /** The command or step that mends a "no". */
  readonly mend?: string;
}

export function yes(name: string, detail: string): Finding {
  return { name, ok: true, detail };
}

export function no(name: string, detail: string, mend: string): Finding {
  return { name, ok: false, detail, mend };
}
