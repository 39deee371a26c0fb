import { afterAll, expect, test } from 'vitest';
import { type Child, startChild } from '../support/childProcess.js';

const started: Child[] = [];
afterAll(() => Promise.all(started.map((child) => child.stop())));

test('whatever is killed while payments are imported, none is sent twice and each is imported or known to be in doubt', async () => {
  const args = ['payments', '--kills', '5', '--payments', '150', '--seed', '3'];
  const child = startChild('bench/chaos.ts', args, process.env);
  started.push(child);
  const { code } = await child.exited;
  expect(code, child.output()).toBe(0);
  const last = child.output().trim().split('\n').at(-1);
  expect(last).toMatch(
    /^5 kills \(.*\); 150 payments: \d+ imported, \d+ failed as outcome_unknown; \d+ sent, 0 sent twice; /,
  );
}, 300_000);
