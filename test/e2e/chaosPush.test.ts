import { afterAll, expect, test } from 'vitest';
import { type Child, startChild } from '../support/childProcess.js';

let chaos: Child | undefined;
afterAll(() => chaos?.stop());

test('a worker that dies before a call, after it or after its outcome, and answers lost or late: each document is in Xero once', async () => {
  chaos = startChild('bench/chaos.ts', ['push', '--kills', '5', '--seed', '7'], process.env);
  const { code } = await chaos.exited;
  expect(code, chaos.output()).toBe(0);
  const lines = chaos.output().trim().split('\n');
  expect(lines.at(-1)).toContain(
    '5 kills and lost answers (beforeCall 1, afterCall 1, afterSave 1, answerLost 1, answerLate 1)',
  );
  expect(lines.at(-1)).toContain('each in Xero exactly once');
}, 300_000);
