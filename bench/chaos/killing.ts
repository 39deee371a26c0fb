/** Kills one victim after the other, at moments that follow from the seed, and starts each again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Part } from './parts.js';
import type { Victims } from './stack.js';

export interface Kill {
  number: number;
  kind: keyof Victims;
  /** Which of its kind. */
  name: string;
  /** How long it stayed away before it was started again. */
  awayMs: number;
}

/** Milliseconds of quiet before a kill, and before what was killed is started again. */
const calmMs = { least: 300, most: 6000 };
const awayMs = { least: 0, most: 1500 };

/**
 * @param random numbers from 0 to 1, the only source of chance.
 * @param signal ends it, with nothing started any more.
 */
export async function* killOneByOne(
  victims: Victims,
  kills: number,
  random: () => number,
  signal: AbortSignal,
): AsyncGenerator<Kill> {
  const between = ({ least, most }: { least: number; most: number }) => Math.round(least + random() * (most - least));
  const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const kinds = Object.keys(victims) as (keyof Victims)[];
  for (let number = 1; number <= kills; number++) {
    const kind = oneOf(kinds);
    const part: Part = oneOf(victims[kind]);
    const away = between(awayMs);
    await delay(between(calmMs), undefined, { signal });
    await part.kill();
    yield { number, kind, name: part.name, awayMs: away };
    await delay(away, undefined, { signal });
    await part.start();
  }
}
