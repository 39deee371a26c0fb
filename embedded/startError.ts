/**
 * Something that `npm start` cannot go on without is missing or taken.
 * The message is one sentence for the person at the terminal: what is wrong, and what to do about it. It is printed
 * without a stack, so it has to make sense alone.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
