/** A small seeded generator (sfc32, Chris Doty-Humphrey): the same seed and name give the same numbers, everywhere. */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** One stream for each subsystem, so that a draw more in one does not shift the others. */
  constructor(seed: number, stream: string) {
    let hash = 2166136261;
    for (let at = 0; at < stream.length; at++) hash = Math.imul(hash ^ stream.charCodeAt(at), 16777619);
    this.#a = seed | 0;
    this.#b = hash | 0;
    this.#c = Math.floor(seed / 2 ** 32) | 0;
    for (let round = 0; round < 12; round++) this.next();
  }

  /** A number in [0, 1). */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, below). */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `choices`, which is not empty. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.int(choices.length)]!;
  }

  /** A name of `weights` by its weight; the weights are not all 0. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    let left = 0;
    for (const name in weights) left += weights[name];
    left *= this.next();
    let last: T | undefined;
    for (const name in weights) {
      left -= weights[name];
      last = name;
      if (left < 0) break;
    }
    return last!;
  }
}
