import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StartError } from '../../embedded/startError.js';
import { lockStateDir } from '../../embedded/stateLock.js';
import { makeStateDir, removeStateDir } from './support.js';

let stateDir: string;

beforeEach(async () => {
  stateDir = await makeStateDir();
});

afterEach(() => removeStateDir(stateDir));

test('a state folder is for one at a time', async () => {
  const release = await lockStateDir(stateDir);
  const second = lockStateDir(stateDir);
  await expect(second).rejects.toThrow(StartError);
  await expect(second).rejects.toThrow(`Nightledger already runs on ${stateDir} (process ${process.pid})`);
  await release();
  const again = await lockStateDir(stateDir);
  await again();
  expect(await readdir(stateDir)).toEqual([]);
});

test.each([
  ['of a process that has ended', JSON.stringify({ pid: process.pid, birthTime: 'another time' })],
  ['that nobody can read', '{'],
])('a lock %s is taken over', async (_whose, content) => {
  await writeFile(join(stateDir, 'lock.json'), content);
  const release = await lockStateDir(stateDir);
  await release();
});

test('of many who find a dead lock at once, one gets the folder', async () => {
  await writeFile(join(stateDir, 'lock.json'), JSON.stringify({ pid: process.pid, birthTime: 'another time' }));
  const outcomes = await Promise.allSettled(Array.from({ length: 2 }, () => lockStateDir(stateDir)));
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(stateDir)).toEqual(['lock.json']);
});

test('a folder that cannot be made is one sentence', async () => {
  const file = join(stateDir, 'a-file');
  await writeFile(file, '');
  await expect(lockStateDir(join(file, 'state'))).rejects.toThrow(StartError);
});
