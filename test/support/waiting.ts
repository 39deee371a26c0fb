import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 50;

/**
 * Asks again and again until the answer is as wished, and gives it back.
 * @throws when it is not so in time, with the last answer.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T> | T,
  holds: (answer: T) => boolean,
  withinMs = 90_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`not in time: ${what}. Last seen: ${JSON.stringify(answer)}`);
    await delay(pollMs);
  }
}
