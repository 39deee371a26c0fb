import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { freePort, isListening, requirePort } from '../../embedded/ports.js';
import { StartError } from '../../embedded/startError.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(port: number, host: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  server.listen(port, host);
  await once(server, 'listening');
}

test('a free port passes and stays free', async () => {
  const port = await freePort();
  await requirePort('API', port, 'NIGHTLEDGER_PORT');
  await listen(port, '127.0.0.1');
  expect(await isListening(port)).toBe(true);
});

test.each(['127.0.0.1', '0.0.0.0'])('a port taken on %s is one sentence with its remedy', async (host) => {
  const port = await freePort();
  await listen(port, host);
  const refusal = requirePort('API', port, 'NIGHTLEDGER_PORT');
  await expect(refusal).rejects.toThrow(StartError);
  await expect(refusal).rejects.toThrow(
    `Port ${port} (API) is taken on 127.0.0.1: set NIGHTLEDGER_PORT to another port or stop what uses it.`,
  );
});

test('free ports asked for together are all different', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
  expect(new Set(ports).size).toBe(20);
});
