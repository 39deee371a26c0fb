import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of ours, started by a test that answers for its end. */
export interface Child {
  pid: number;
  /** All that it printed, standard output and error together. */
  output(): string;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  running(): boolean;
  /** kill -9, and gone when this is fulfilled. */
  killHard(): Promise<void>;
  /** Asks it to end. @throws when it has to be killed. */
  stop(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const stopLimitMs = 20_000;

/** @param script from the project's folder. */
export function startChild(script: string, args: readonly string[], env: Record<string, string | undefined>): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: root,
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => printed.push(String(chunk)));
  // `close` comes after the last line, `exit` may come before it.
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid as number,
    output: () => printed.join(''),
    exited,
    running,
    signal: (name) => void child.kill(name),
    async killHard() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      if (!running()) return;
      const force = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
      child.kill('SIGTERM');
      const { signal } = await exited;
      clearTimeout(force);
      if (signal === 'SIGKILL') throw new Error(`${script} did not end when it was asked to`);
    },
  };
}
