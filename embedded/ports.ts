import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { StartError } from './startError.js';

const LOOPBACK = '127.0.0.1';

/**
 * Checks that a port on 127.0.0.1 can be listened on.
 *
 * @param name what wants the port, as people know it: `API`, `Temporal UI`
 * @param variable the environment variable that chooses another port
 * @throws StartError with the port, its use and the remedy
 */
export async function requirePort(name: string, port: number, variable?: string): Promise<void> {
  const remedy = variable ? `set ${variable} to another port or stop what uses it` : 'stop what uses it';
  // A listener on every address does not, on macOS, hinder another on 127.0.0.1: so ask before trying.
  const refusal = (await isListening(port)) ? 'EADDRINUSE' : await listenError(port);
  if (refusal === undefined) return;
  const state = refusal === 'EADDRINUSE' ? 'is taken' : `cannot be listened on (${refusal})`;
  throw new StartError(`Port ${port} (${name}) ${state} on ${LOOPBACK}: ${remedy}.`);
}

/**
 * A port on 127.0.0.1 that nobody listens on.
 *
 * The port is left in TIME_WAIT for a minute, so that the kernel gives it to no other asker before its user binds it:
 * test processes that start servers side by side would otherwise now and then be handed the same one (the way of the
 * Temporal SDK's core, `get_free_port`).
 */
export async function freePort(): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, LOOPBACK);
  client.resume();
  await once(client, 'close');
  server.close();
  await once(server, 'close');
  return port;
}

/** True if somebody accepts connections on that port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    const answer = (taken: boolean) => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

function listenError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(undefined)));
  });
}
