/** Pure pseudo-randomness: the same seed and index always give the same draw, so rows need not be stored. */

/** Scrambles 32 bits (the finaliser of MurmurHash3). */
export function scramble(bits: number): number {
  let h = bits >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A 32-bit key for a seed and a purpose (FNV-1a, then scrambled). */
export function keyFor(...parts: (string | number)[]): number {
  let h = 0x811c9dc5;
  for (const char of parts.join('\u0001')) h = Math.imul(h ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return scramble(h);
}

/** One draw of 32 bits for (key, index). */
export function draw(key: number, index: number): number {
  return scramble(key ^ Math.imul(index + 1, 0x9e3779b1));
}

/** A sequence of draws for one row. */
export class Dice {
  private state: number;

  constructor(key: number, index: number) {
    this.state = draw(key, index);
  }

  next(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    return scramble(this.state);
  }

  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.below(10_000) < percent * 100;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}
