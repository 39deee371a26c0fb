import { expect, test } from 'vitest';
import { again, ended, guarded } from '../../activities/failures.js';

const thrown = (error: unknown) => guarded({ fail: () => Promise.reject(error) }).fail();

test('what ends the work for good, and what is to be tried again, leaves a guarded activity as it is', async () => {
  await expect(thrown(ended('disconnected', 'a test'))).rejects.toMatchObject({
    type: 'disconnected',
    nonRetryable: true,
  });
  await expect(thrown(again('fault', 5, 'a test'))).rejects.toMatchObject({ type: 'fault', nextRetryDelay: 5 });
});

test("of any other error only its kind leaves, because Postgres's words may hold a customer's data", async () => {
  const error = Object.assign(new Error('Key (name)=(Fern Ltd) exists'), { code: '23505' });
  await expect(thrown(error)).rejects.toMatchObject({ type: 'fault', message: 'internal error Error 23505' });
});
