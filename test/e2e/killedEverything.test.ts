import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../../embedded/apiClient.js';
import { freePort, isListening } from '../../embedded/ports.js';
import { isRunning, type ProcessIdentity } from '../../embedded/processIdentity.js';
import { makeStateDir, removeStateDir } from '../embedded/support.js';
import { type BackfillView, openStreams } from '../support/books.js';
import { type Child, startChild } from '../support/childProcess.js';
import { processTree } from '../support/processTree.js';
import { eventually } from '../support/waiting.js';
import { control } from '../xero/support.js';

/** What `npm start -- --once` says last. */
interface Report {
  status: string;
  calls: number;
  streams: Record<string, { records: number; expected: number; calls: number }>;
}

let stateDir: string;
let ports: { api: number; temporal: number; temporalUi: number; simulator: number };
const seen = new Map<string, ProcessIdentity>();

beforeAll(async () => {
  stateDir = await makeStateDir();
  ports = {
    api: await freePort(),
    temporal: await freePort(),
    temporalUi: await freePort(),
    simulator: await freePort(),
  };
});
afterAll(async () => {
  for (const { pid } of [...seen.values()].filter(isRunning)) process.kill(pid, 'SIGKILL');
  await eventually('what was started is gone', stillRunning, (left) => left.length === 0);
  await removeStateDir(stateDir);
});

/** `npm start`, without what would switch off its embedded parts. */
function npmStart(...args: string[]): Child {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(NIGHTLEDGER|XERO|TEMPORAL|DATABASE)_/.test(name)),
  );
  return startChild('embedded/start.ts', args, {
    ...env,
    ...(process.env.NIGHTLEDGER_CACHE && { NIGHTLEDGER_CACHE: process.env.NIGHTLEDGER_CACHE }),
    NIGHTLEDGER_STATE_DIR: stateDir,
    NIGHTLEDGER_PORT: String(ports.api),
    NIGHTLEDGER_TEMPORAL_PORT: String(ports.temporal),
    NIGHTLEDGER_TEMPORAL_UI_PORT: String(ports.temporalUi),
    NIGHTLEDGER_SIMULATOR_PORT: String(ports.simulator),
  });
}

function look(started: Child): ProcessIdentity[] {
  const tree = processTree(started.pid);
  for (const one of tree) seen.set(`${one.pid} ${one.birthTime}`, one);
  return tree;
}

const stillRunning = () => [...seen.values()].filter(isRunning);

async function nothingIsLeft(): Promise<void> {
  // The starter and its worker, API, simulator, Temporal, Postgres and that one's own processes.
  expect(seen.size).toBeGreaterThan(6);
  await eventually('every process is gone', stillRunning, (left) => left.length === 0, 5000);
  for (const port of Object.values(ports)) expect(await isListening(port)).toBe(false);
  expect(readdirSync(`${stateDir}/pids`)).toEqual([]);
  seen.clear();
}

async function backfill(): Promise<BackfillView | null> {
  const keyFile = `${stateDir}/admin.key`;
  if (!existsSync(keyFile)) return null;
  const api = createApiClient(`http://localhost:${ports.api}/v1`, readFileSync(keyFile, 'utf8'));
  try {
    const { data } = await api.get<{ data: { id: string }[] }>('/connections');
    return data[0] ? await api.get<BackfillView>(`/connections/${data[0].id}/backfill`) : null;
  } catch {
    return null;
  }
}

describe.sequential('npm start', () => {
  test('is killed with everything it started, in the middle of the first full read', async () => {
    const started = npmStart('--records', '6000');
    const simulator = `http://localhost:${ports.simulator}`;
    const stuck = [{ kind: 'timeout', match: { path: 'Invoices.*[?&]page=2&' } }];
    await eventually(
      'the simulator takes faults',
      () =>
        control(simulator, 'POST', '/faults', stuck).then(
          () => true,
          () => false,
        ),
      (taken) => taken || !started.running(),
    );
    await eventually('everything is committed but one page of invoices', backfill, (now) => {
      if (now === null || openStreams(now).join() !== 'invoices') return false;
      const { records, expected } = now.streams.invoices;
      return expected !== null && records === expected - 1000;
    });
    for (const { pid } of look(started)) process.kill(pid, 'SIGKILL');
    await eventually('every process is gone', stillRunning, (left) => left.length === 0);
    seen.clear();
  });

  test('goes on where it was, ends with everything read, exit code 0 and nothing left running', async () => {
    const started = npmStart('--once');
    await eventually(
      'it ends',
      () => look(started),
      () => !started.running(),
      100_000,
    );
    const { code } = await started.exited;
    const lines = started.output().trim().split('\n');
    expect(code, started.output()).toBe(0);
    const report = JSON.parse(lines.at(-1) ?? '') as Report;
    expect(report.status).toBe('active');
    for (const [stream, { records, expected }] of Object.entries(report.streams)) {
      expect(expected, stream).toBeGreaterThan(0);
      expect(records, stream).toBe(expected);
    }
    // Over both starts: no page that was committed before the end of the first is asked for again.
    expect(report.streams.contacts?.calls).toBe(1);
    expect(report.streams.invoices?.calls).toBe(3);
    await nothingIsLeft();
  });

  test('finds everything there at another start, and Ctrl-C ends all that it started', async () => {
    const started = npmStart();
    await eventually(
      'it says where to look',
      () => {
        look(started);
        return started.output();
      },
      (output) => output.includes('Admin key') || !started.running(),
    );
    expect(await backfill()).toMatchObject({ outcome: 'completed', status: 'active' });
    started.signal('SIGINT');
    expect((await started.exited).code).toBe(130);
    await nothingIsLeft();
  });
});
