import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSimulator } from '../../simulator/index.js';
import { Bench, json, token } from './support.js';

const MAIN = join(import.meta.dirname, '../../simulator/main.ts');
const run = (...args: string[]) => spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: 'pipe' });

describe('a folder of state', () => {
  let stateDir: string;
  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'simulator-state-'));
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  it('keeps organisations, edits, tokens, connections, windows, settings and the clock', async () => {
    const bench = await Bench.start({ stateDir });
    await bench.moveClock(1_000);
    await bench.control('PATCH', '/settings', { switches: { notModifiedAs304: true } });
    await bench.edit(
      { stream: 'invoices', op: 'edit', nth: 2, set: { Reference: 'kept' } },
      { stream: 'invoices', op: 'add' },
      { stream: 'contacts', op: 'merge', nth: 3 },
    );
    await bench.get('Invoices', { page: '1' });
    const seen = [await bench.truth(), await bench.truth('invoices'), await bench.truth('contacts')];
    const usedBefore = (await bench.control('GET', '/organisations'))[0].windows.day.used;
    const refreshed = await json(
      await bench.token({ grant_type: 'refresh_token', refresh_token: bench.tokens.refresh_token }),
    );
    await bench.close();
    appendFileSync(join(stateDir, 'journal.jsonl'), '["callAdmitted",{"tenan');

    const again = await startSimulator({ port: 0, stateDir, records: 600 });
    Object.assign(bench, { simulator: again });
    expect([await bench.truth(), await bench.truth('invoices'), await bench.truth('contacts')]).toEqual(seen);
    expect((await bench.control('GET', '/organisations'))[0].windows.day.used).toBe(usedBefore);
    expect((await bench.control('GET', '/settings')).switches.notModifiedAs304).toBe(true);
    expect((await bench.control('GET', '/tokens')).accessTokens).toHaveLength(2);
    bench.tokens = refreshed;
    expect((await bench.get('Organisation')).status).toBe(200);
    const rotated = await token(again, { grant_type: 'refresh_token', refresh_token: refreshed.refresh_token });
    expect(rotated.status).toBe(200);
    await again.close();
  });

  it('survives a kill -9 of the program', async () => {
    const child = run('--port', '0', '--records', '300', '--state', stateDir);
    const [line] = await once(child.stdout, 'data');
    const url = /http:\S+/.exec(String(line))?.[0];
    const [{ tenantId }] = await json(await fetch(`${url}/_sim/organisations`));
    const body = JSON.stringify([{ stream: 'items', op: 'edit', nth: 0, set: { Name: 'survivor' } }]);
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/_sim/organisations/${tenantId}/edits`, { method: 'POST', body, headers });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const bench = await Bench.start({ stateDir });
    expect(bench.tenantId).toBe(tenantId);
    const { Items } = await bench.read('Items');
    expect(Items.map(({ Name }: { Name: string }) => Name)).toContain('survivor');
    await bench.close();
  });
});

describe('the program', () => {
  it('says in one sentence that its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const child = run('--port', String(port), '--records', '100');
    const [text] = await once(child.stderr, 'data');
    expect(String(text)).toBe(`Port ${port} is taken: stop what uses it, or choose another with --port.\n`);
    expect((await once(child, 'exit'))[0]).toBe(1);
    server.close();
  });

  it('ends at SIGTERM', async () => {
    const child = run('--port', '0', '--records', '100');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it('shortens a day and a minute with --speed, and nothing else', async () => {
    const child = run('--port', '0', '--records', '100', '--speed', '1440', '--daily-limit', '60');
    const [line] = await once(child.stdout, 'data');
    const url = /http:\S+/.exec(String(line))?.[0];
    const [{ windows }] = await json(await fetch(`${url}/_sim/organisations`));
    expect(windows.day.limit).toBe(60);
    expect(Date.parse(windows.day.resetsAt) - Date.now()).toBeLessThanOrEqual(60_000);
    expect(Date.parse(windows.minute.resetsAt) - Date.now()).toBeLessThanOrEqual(5_000);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
});
