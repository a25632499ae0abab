import type { KnownBoot } from './event.ts';

/** So many boots in a row may go by without being verified before some are forgotten, which at worst costs a recovery. */
const TRAIL_MAX = 64;

/**
 * The boots that this disk has seen: the last one that was verified and every one since. Whoever knows another one, not
 * older than that, knows of writes that this disk lacks (P9). A number alone would not do: a disk that was rolled back
 * counts on from where it was, and reaches the boots that it never saw after a few starts that came to nothing.
 */
export class BootTrail {
  #boots: readonly KnownBoot[];

  /** `boots` as {@link toRecord} gave them, oldest first. */
  constructor(boots: readonly KnownBoot[]) {
    this.#boots = boots;
  }

  add(boot: KnownBoot): void {
    if (this.#boots.some((each) => isSame(each, boot))) return;
    const [first, ...rest] = [...this.#boots, boot];
    this.#boots = [first!, ...rest.slice(-(TRAIL_MAX - 1))];
  }

  /** From this one on. */
  startAgain(boot: KnownBoot): void {
    this.#boots = [boot];
  }

  /** True if `known` was a boot of this node, of another disk or of this one in a later state. */
  isForeign(known: KnownBoot): boolean {
    const [first] = this.#boots;
    const older = first !== undefined && known.boot < first.boot;
    return known.boot > 0 && !older && !this.#boots.some((each) => isSame(each, known));
  }

  toRecord(): readonly KnownBoot[] {
    return this.#boots;
  }
}

function isSame(a: KnownBoot, b: KnownBoot): boolean {
  return a.boot === b.boot && a.incarnation === b.incarnation;
}
