import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../embedded/ports.js';
import { stopAll } from '../../embedded/processes.js';
import { birthTimeOf, isRunning, waitUntilGone } from '../../embedded/processIdentity.js';
import { StartError } from '../../embedded/startError.js';
import { startTemporal } from '../../embedded/temporal.js';
import { findTemporal } from '../../embedded/temporalBinary.js';
import { makeStateDir, removeStateDir } from './support.js';

const LIMIT_MS = 120_000;
const DOWNLOAD_LIMIT_MS = 400_000;
const DAY_S = 86_400;

let stateDir: string;

beforeAll(async () => {
  await findTemporal();
}, DOWNLOAD_LIMIT_MS);

beforeEach(async () => {
  stateDir = await makeStateDir();
});

afterEach(async () => {
  await stopAll();
  await removeStateDir(stateDir);
}, LIMIT_MS);

async function ask<T>(address: string, question: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await question(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

function retentionDays(address: string): Promise<number> {
  return ask(address, async ({ workflowService }) => {
    const { config } = await workflowService.describeNamespace({ namespace: 'default' });
    return Number(config?.workflowExecutionRetentionTtl?.seconds) / DAY_S;
  });
}

async function startWorkflow(address: string): Promise<void> {
  await ask(address, ({ workflow }) => workflow.start('anything', { workflowId: 'kept', taskQueue: 'nobody' }));
}

test('answers in memory, without a UI', { timeout: LIMIT_MS }, async () => {
  const { address, uiUrl } = await startTemporal({ stateDir });
  expect(uiUrl).toBeUndefined();
  await startWorkflow(address);
  expect(await retentionDays(address)).toBe(1);
});

test('with a file keeps runs for 30 days and over a restart, and shows them in its UI', {
  timeout: LIMIT_MS,
}, async () => {
  const options = { stateDir, dbFile: join(stateDir, 'temporal.db'), uiPort: await freePort() };
  const first = await startTemporal({ ...options, searchAttributes: { NightledgerState: 'Keyword' } });
  expect((await fetch(first.uiUrl as string)).status).toBe(200);
  expect(await retentionDays(first.address)).toBe(30);
  await startWorkflow(first.address);
  await first.stop();
  expect((await stat(options.dbFile)).size).toBeGreaterThan(0);

  const searchAttributes = { NightledgerState: 'Keyword', NightledgerSleepsUntil: 'Datetime' } as const;
  const second = await startTemporal({ ...options, searchAttributes });
  const description = await ask(second.address, ({ workflow }) => workflow.getHandle('kept').describe());
  expect(description.status.name).toBe('RUNNING');
  const attribute = defineSearchAttributeKey('NightledgerSleepsUntil', 'DATETIME');
  const typedSearchAttributes = [{ key: attribute, value: new Date() }];
  await ask(second.address, ({ workflow }) =>
    workflow.start('anything', { workflowId: 'later', taskQueue: 'nobody', typedSearchAttributes }),
  );
});

test('a killed server hinders no later start, and its file is whole', { timeout: LIMIT_MS }, async () => {
  const options = { stateDir, dbFile: join(stateDir, 'temporal.db') };
  const first = await startTemporal(options);
  await startWorkflow(first.address);
  const server = { pid: first.pid, birthTime: birthTimeOf(first.pid) as string };
  process.kill(first.pid, 'SIGKILL');
  await waitUntilGone(server, 10_000);
  const second = await startTemporal(options);
  const description = await ask(second.address, ({ workflow }) => workflow.getHandle('kept').describe());
  expect(description.status.name).toBe('RUNNING');
});

test('stop ends the process', { timeout: LIMIT_MS }, async () => {
  const server = await startTemporal({ stateDir });
  const identity = { pid: server.pid, birthTime: birthTimeOf(server.pid) as string };
  await server.stop();
  expect(isRunning(identity)).toBe(false);
});

test('a taken port is one sentence', { timeout: LIMIT_MS }, async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await expect(startTemporal({ stateDir, port })).rejects.toThrow(`Port ${port} (Temporal) is taken`);
  await expect(startTemporal({ stateDir, uiPort: port })).rejects.toThrow(`Port ${port} (Temporal UI) is taken`);
  server.close();
});

test('a file that is no database is one sentence, and nothing is left running', { timeout: LIMIT_MS }, async () => {
  const dbFile = join(stateDir, 'temporal.db');
  await writeFile(dbFile, 'not a database, but long enough to be looked at twice'.repeat(100));
  await expect(startTemporal({ stateDir, dbFile })).rejects.toThrow(StartError);
});
