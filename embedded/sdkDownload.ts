import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A network that swallows packets instead of refusing them gets this long to bring another byte. */
const STALL_MS = 10_000;
const POLL_MS = 250;

/**
 * The SDK downloads only on the way to starting a server (@temporalio/testing, core's `EphemeralExe::get_or_download`), so
 * it starts one and ends it. In a process of its own: the call knows no time limit and cannot be cancelled.
 */
const SCRIPT = `
  const [testing, create, downloadDir] = process.argv.slice(1);
  const executable = { type: 'cached-download', downloadDir };
  require(testing).TestWorkflowEnvironment[create]({ server: { executable } })
    .then((environment) => environment.teardown())
    .then(() => process.exit(0), () => process.exit(1));
`;

/**
 * Lets the Temporal SDK download the program that belongs to its version into an empty folder.
 * @returns its path, or undefined if the network or Temporal's download service does not give it; where the network is
 * closed that takes half a second, where it hangs ten seconds
 */
export async function programFromSdk(create: 'createLocal' | 'createTimeSkipping', folder: string) {
  const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
  const child = spawn(process.execPath, ['-e', SCRIPT, testing, create, folder], { stdio: 'ignore', detached: true });
  const ended = once(child, 'exit').then(([code]) => code === 0);
  const succeeded = await Promise.race([ended, untilStalled(folder, ended)]);
  if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGKILL');
  const [program] = succeeded ? await readdir(folder) : [];
  return program === undefined ? undefined : join(folder, program);
}

/** False once nothing in the folder has grown for a while. */
async function untilStalled(folder: string, ended: Promise<boolean>): Promise<boolean> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  let size = 0;
  let grownAt = Date.now();
  while (!over && Date.now() - grownAt < STALL_MS) {
    await delay(POLL_MS);
    const now = await sizeOf(folder);
    if (now !== size) [size, grownAt] = [now, Date.now()];
  }
  return over && ended;
}

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder);
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(folder, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
