/** Rows of one batch of completions, at most. With the columns and kinds below, the mirror of `native/completion_rows.h`. */
export const ROWS_MAX = 256;

/** Columns of a row. */
export const COLUMN = {
  ticket: 0,
  kind: 1,
  /** 0: it went well. Else `sequence` is the index of the message and `generation` the errno. */
  reason: 2,
  sequence: 3,
  generation: 4,
  effectUnknown: 5,
  expiresAtMs: 6,
  partition: 7,
  hashHigh: 8,
  hashLow: 9,
  /** Which ArrayBuffer holds the record's key and, behind it, its value; -1: the row has no record. */
  slab: 10,
  offset: 11,
  keyBytes: 12,
  valueBytes: 13,
  more: 14,
  damaged: 15,
} as const;

export const COLUMNS = 16;

/** What a row is. */
export const KIND = {
  append: 0,
  remove: 1,
  get: 2,
  scan: 3,
  flush: 4,
  /** The engine stopped after a device failure; the row has no ticket. */
  failed: 5,
  /** There is damage to be taken; the row has no ticket. */
  damage: 6,
  scrub: 7,
  /** One record of a page; the page's own row follows. */
  recordOfPage: 100,
} as const;
