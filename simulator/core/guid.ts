import { randomUUID } from 'node:crypto';
import { draw, keyFor, scramble } from './random.js';

export const ZERO_GUID = '00000000-0000-0000-0000-000000000000';
export const newGuid = randomUUID;

const HEX = Array.from({ length: 65_536 }, (_, n) => n.toString(16).padStart(4, '0'));
const hex = (half: number): string => HEX[half & 0xffff] ?? '';

/**
 * Ids that are a reversible function of a row's index: nothing to store, and an id leads back to its row.
 * The first 32 bits are a permutation of the index (a Feistel network), so they also are the order of ids.
 */
export class GuidSpace {
  private readonly key: number;

  constructor(...scope: (string | number)[]) {
    this.key = keyFor('guid', ...scope);
  }

  guid(index: number): string {
    const rank = this.rank(index);
    const a = draw(this.key, rank);
    const b = scramble(a ^ this.key);
    const c = scramble(b + rank);
    return (
      `${hex(rank >>> 16)}${hex(rank)}-${hex(a >>> 16)}-${hex(0x4000 | (a & 0x0fff))}-` +
      `${hex(0x8000 | (b & 0x3fff))}-${hex(b >>> 16)}${hex(c >>> 16)}${hex(c)}`
    );
  }

  /** The index an id was made from, if it was made here. */
  index(guid: string): number | undefined {
    const rank = Number.parseInt(guid.slice(0, 8), 16);
    if (!Number.isInteger(rank)) return undefined;
    const index = this.unrank(rank);
    return this.guid(index) === guid.toLowerCase() ? index : undefined;
  }

  /** Where the id of `index` stands among all ids: comparing ranks is comparing ids. */
  rank(index: number): number {
    let left = index >>> 16;
    let right = index & 0xffff;
    for (let round = 0; round < 4; round++) {
      const mixed = left ^ (draw(this.key + round, right) & 0xffff);
      left = right;
      right = mixed;
    }
    return ((left << 16) | right) >>> 0;
  }

  private unrank(rank: number): number {
    let left = rank >>> 16;
    let right = rank & 0xffff;
    for (let round = 3; round >= 0; round--) {
      const mixed = right ^ (draw(this.key + round, left) & 0xffff);
      right = left;
      left = mixed;
    }
    return ((left << 16) | right) >>> 0;
  }
}
