import { latin1 } from './bytes.ts';
import { HINT_BLOCK_MAX, HINT_BYTES_MAX, HINTS_MAX } from './limits.ts';

/** A record that a peer may lack. What it lacks is read when the hint is delivered: an old hint brings nothing old. */
export interface Hint {
  readonly keyspaceId: number;
  readonly partition: number;
  readonly key: Uint8Array;
}

interface Entry extends Hint {
  /** Grows with each write that left this hint: what was delivered before the last is not all. */
  times: number;
  readonly block: number;
}

interface PeerHints {
  readonly entries: Map<string, Entry>;
  /** Entries by block; a block is what is stored together. */
  readonly blocks: Set<string>[];
  bytes: number;
  /** Hints that found no room since the last time there were none. */
  refused: number;
}

/** The hints of this node, by peer. Bounded by count and bytes a peer: beyond, anti-entropy finds the difference. */
export class HintBook {
  readonly #peers = new Map<string, PeerHints>();

  /** Notes a hint: the number of the block it is in, or `undefined` if there is no room. */
  add(peer: string, hint: Hint): number | undefined {
    const hints = this.#of(peer);
    const name = nameOf(hint);
    const known = hints.entries.get(name);
    if (known !== undefined) {
      known.times++;
      return known.block;
    }
    if (hints.entries.size >= HINTS_MAX || hints.bytes + hint.key.byteLength > HINT_BYTES_MAX) {
      hints.refused++;
      return undefined;
    }
    let block = hints.blocks.findIndex((names) => names.size < HINT_BLOCK_MAX);
    if (block < 0) block = hints.blocks.push(new Set()) - 1;
    hints.blocks[block]!.add(name);
    hints.entries.set(name, { ...hint, times: 1, block });
    hints.bytes += hint.key.byteLength;
    return block;
  }

  /** Strikes a hint out unless a write has left it again since it was seen: the number of its block if it was struck. */
  strike(peer: string, hint: Hint, times: number): number | undefined {
    const hints = this.#peers.get(peer);
    const name = nameOf(hint);
    const entry = hints?.entries.get(name);
    if (hints === undefined || entry === undefined || entry.times !== times) return undefined;
    hints.entries.delete(name);
    hints.blocks[entry.block]!.delete(name);
    hints.bytes -= entry.key.byteLength;
    if (hints.entries.size === 0) hints.refused = 0;
    return entry.block;
  }

  /** The hints for a peer as they are now. */
  for(peer: string): readonly (Hint & { readonly times: number })[] {
    return [...(this.#peers.get(peer)?.entries.values() ?? [])].map((entry) => ({ ...entry }));
  }

  /** What a block holds now. */
  block(peer: string, block: number): readonly Hint[] {
    const hints = this.#peers.get(peer);
    return [...(hints?.blocks[block] ?? [])].map((name) => hints!.entries.get(name)!);
  }

  /** Peers and how many blocks they have. */
  blocks(): readonly (readonly [peer: string, blocks: number])[] {
    return [...this.#peers].map(([peer, { blocks }]) => [peer, blocks.length]);
  }

  hasFor(partition: number): boolean {
    for (const { entries } of this.#peers.values()) {
      for (const entry of entries.values()) if (entry.partition === partition) return true;
    }
    return false;
  }

  /** For people: hints by peer, and those for which there was no room. */
  status(): readonly { readonly peer: string; readonly hints: number; readonly refused: number }[] {
    return [...this.#peers]
      .map(([peer, { entries, refused }]) => ({ peer, hints: entries.size, refused }))
      .filter(({ hints, refused }) => hints + refused > 0);
  }

  #of(peer: string): PeerHints {
    let hints = this.#peers.get(peer);
    if (hints === undefined) {
      hints = { entries: new Map(), blocks: [], bytes: 0, refused: 0 };
      this.#peers.set(peer, hints);
    }
    return hints;
  }
}

function nameOf({ keyspaceId, key }: Hint): string {
  return `${keyspaceId}/${latin1(key)}`;
}
