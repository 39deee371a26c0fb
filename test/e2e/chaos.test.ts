import { afterAll, expect, test } from 'vitest';
import { type Child, startChild } from '../support/childProcess.js';

const started: Child[] = [];
afterAll(() => Promise.all(started.map((child) => child.stop())));

function chaos(...args: string[]): Child {
  const child = startChild('bench/chaos.ts', args, process.env);
  started.push(child);
  return child;
}

test('whatever is killed while an organisation is read, the mirror ends up equal to Xero', async () => {
  const child = chaos('backfill', '--kills', '5', '--seed', '7');
  const { code } = await child.exited;
  expect(code, child.output()).toBe(0);
  const lines = child.output().trim().split('\n');
  expect(lines.slice(0, -1)).toHaveLength(5);
  expect(lines.at(-1)).toMatch(/^5 kills \(.*\); \d+ organisations?, \d+ records; mismatches 0, duplicates 0; /);
}, 240_000);

test('a command line that is not understood is answered by a sentence', async () => {
  const child = chaos('sync', '--kills', 'many');
  expect((await child.exited).code).toBe(1);
  expect(child.output().trim()).toBe('It puts "backfill", "push" or "payments" through chaos, not "sync". See --help.');
});
