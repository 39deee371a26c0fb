import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endLeftovers, spawnOwned, stopAll } from '../../embedded/processes.js';
import { birthTimeOf, isRunning, selfIdentity, waitUntilGone } from '../../embedded/processIdentity.js';
import { StartError } from '../../embedded/startError.js';
import { killHard, makeStateDir, removeStateDir, runStarter } from './support.js';

const STAY = ['-e', 'setInterval(() => undefined, 60_000)'];
const GONE = { pid: 999_999_999, birthTime: 'long ago' };

let pidDir: string;
const bystanders: ChildProcess[] = [];

beforeEach(async () => {
  pidDir = await makeStateDir();
});

afterEach(async () => {
  await stopAll();
  for (const bystander of bystanders.splice(0)) await killHard(bystander);
  await removeStateDir(pidDir);
});

async function startBystander(): Promise<number> {
  const child = spawn(process.execPath, STAY);
  bystanders.push(child);
  await once(child, 'spawn');
  return child.pid as number;
}

async function writeRecord(name: string, record: object): Promise<void> {
  const rest = { name, ports: [], order: 1, stopSignal: 'SIGTERM', owner: GONE };
  await writeFile(join(pidDir, `${name}.json`), JSON.stringify({ ...rest, ...record }));
}

function identityOf(pid: number) {
  return { pid, birthTime: birthTimeOf(pid) as string };
}

test('an owned process stands in a pid file while it runs', async () => {
  const child = await spawnOwned({ name: 'a', command: process.execPath, args: STAY, pidDir, ports: [4242] });
  const record = JSON.parse(await readFile(join(pidDir, 'a.json'), 'utf8'));
  expect(record).toMatchObject({ ...identityOf(child.pid), name: 'a', ports: [4242], owner: selfIdentity() });
  await child.stop();
  expect(await readdir(pidDir)).toEqual([]);
});

test('all are stopped, last started first', async () => {
  const ended: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const onExit = () => ended.push(name);
    await spawnOwned({ name, command: process.execPath, args: STAY, pidDir, onExit });
  }
  await stopAll();
  expect(ended).toEqual(['c', 'b', 'a']);
});

test('a process that does not listen is killed at its limit, with what it started', async () => {
  const grandchild = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 60000)']).pid`;
  const script = `process.on('SIGTERM', () => 0); console.log(${grandchild}); setInterval(() => 0, 60000)`;
  let pid: number | undefined;
  const onLine = (line: string) => {
    pid = Number(line);
  };
  const args = ['-e', script];
  const child = await spawnOwned({ name: 'deaf', command: process.execPath, args, pidDir, onLine, stopLimitMs: 100 });
  await expect.poll(() => pid).toBeDefined();
  const inner = identityOf(pid as number);
  await child.stop();
  expect(child.running()).toBe(false);
  expect(await waitUntilGone(inner, 5_000)).toBe(true);
});

test('a command that is not there is one sentence', async () => {
  const spawned = spawnOwned({ name: 'a', command: join(pidDir, 'absent'), args: [], pidDir });
  await expect(spawned).rejects.toThrow(StartError);
  await expect(spawned).rejects.toThrow('a cannot be started');
});

test('what a killed starter left is ended by the next one, last started first', async () => {
  const { child, said } = await runStarter<{ pids: number[] }>('startProcesses.ts', pidDir, 'a', 'b');
  const leftovers = said.pids.map(identityOf);
  await killHard(child);
  expect(leftovers.map(isRunning)).toEqual([true, true]);
  expect(await endLeftovers(pidDir)).toEqual(['b', 'a']);
  expect(leftovers.map(isRunning)).toEqual([false, false]);
  expect(await readdir(pidDir)).toEqual([]);
});

test('a starter that exits without stopping anything takes its processes with it', async () => {
  const { child, said } = await runStarter<{ pids: number[] }>('startProcesses.ts', pidDir, 'a', 'b');
  const children = said.pids.map(identityOf);
  const ended = once(child, 'exit');
  child.kill('SIGUSR2');
  expect(await ended).toEqual([1, null]);
  for (const inner of children) expect(await waitUntilGone(inner, 5_000)).toBe(true);
});

test('a pid that belongs to another process by now is left alone', async () => {
  const bystander = identityOf(await startBystander());
  await writeRecord('postgres', { pid: bystander.pid, birthTime: 'another time' });
  expect(await endLeftovers(pidDir)).toEqual([]);
  expect(isRunning(bystander)).toBe(true);
  expect(await readdir(pidDir)).toEqual([]);
});

test('a process whose starter still runs is no leftover', async () => {
  const bystander = identityOf(await startBystander());
  await writeRecord('postgres', { ...bystander, owner: selfIdentity() });
  await expect(endLeftovers(pidDir)).rejects.toThrow(`in use by process ${process.pid}`);
  expect(isRunning(bystander)).toBe(true);
});

test('a half written pid file names nobody', async () => {
  await writeFile(join(pidDir, 'a.json'), '{"pid": 1');
  expect(await endLeftovers(pidDir)).toEqual([]);
});

test('one Ctrl-C stops in good order, also when npm repeats it', async () => {
  const { child, said } = await runStarter<{ pid: number }>('waitForSignals.ts', pidDir);
  const inner = identityOf(said.pid);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(isRunning(inner)).toBe(false);
});

test('a second Ctrl-C does not wait any longer', async () => {
  const { child, said } = await runStarter<{ pid: number }>('waitForSignals.ts', pidDir, 'deaf');
  const inner = identityOf(said.pid);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const again = setInterval(() => child.kill('SIGINT'), 1_200);
  expect(await ended).toEqual([130, null]);
  clearInterval(again);
  expect(await waitUntilGone(inner, 5_000)).toBe(true);
});
