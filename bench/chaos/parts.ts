/** What is killed and started again: each part knows how it is started, and dies only by kill -9. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../embedded/postgres.js';
import { type OwnedProcess, spawnOwned } from '../../embedded/processes.js';
import { startTemporal } from '../../embedded/temporal.js';
import { searchAttributeTypes } from '../../workers/searchAttributes.js';

export interface Part {
  readonly name: string;
  /** Fulfilled when it answers, or for processes of ours, when they have begun. */
  start(): Promise<void>;
  /** kill -9, and gone when this is fulfilled. */
  kill(): Promise<void>;
}

export interface Folder {
  path: string;
  pids: string;
}

/** A port that a killed process held may stay taken for a moment. */
const startLimitMs = 30_000;
const againMs = 250;

async function untilStarted<T>(start: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(againMs);
    }
  }
}

interface RunningServer {
  readonly pid: number;
  stop(): Promise<void>;
}

/** A server that `start` brings up until it answers. */
export class ServerPart<Running extends RunningServer> implements Part {
  private current: Running | undefined;

  constructor(
    readonly name: string,
    private readonly bringUp: () => Promise<Running>,
  ) {}

  /** @throws when it was never started. */
  get running(): Running {
    if (this.current === undefined) throw new Error(`${this.name} was not started`);
    return this.current;
  }

  async start(): Promise<void> {
    this.current = await untilStarted(this.bringUp);
  }

  async kill(): Promise<void> {
    process.kill(this.running.pid, 'SIGKILL');
    await this.running.stop();
  }
}

export const postgresPart = (folder: Folder, port: number) =>
  new ServerPart('Postgres', () => startPostgres({ stateDir: folder.path, port }));

export const temporalPart = (folder: Folder, port: number) =>
  new ServerPart('Temporal', () =>
    startTemporal({
      stateDir: folder.path,
      port,
      dbFile: `${folder.path}/temporal.db`,
      searchAttributes: searchAttributeTypes,
    }),
  );

const supervisorWaitsMs = 500;

export interface ProcessOptions {
  name: string;
  /** From the project's folder. */
  script: string;
  args?: readonly string[];
  env: NodeJS.ProcessEnv;
  folder: Folder;
  /** Told of each end that was no kill. */
  onOwnEnd: () => void;
}

/** A process of ours, started again when it has ended by itself, as any supervisor of services does. */
export class ProcessPart implements Part {
  readonly name: string;
  private current: OwnedProcess | undefined;
  private again: NodeJS.Timeout | undefined;
  private killing = false;

  constructor(private readonly options: ProcessOptions) {
    this.name = options.name;
  }

  async start(): Promise<void> {
    clearTimeout(this.again);
    this.killing = false;
    const { name, script, args = [], env, folder } = this.options;
    this.current = await spawnOwned({
      name,
      command: process.execPath,
      args: ['--import', 'tsx', script, ...args],
      env,
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      pidDir: folder.pids,
      logFile: `${folder.path}/logs/${name}.log`,
      stopLimitMs: 15_000,
      onExit: ({ code }) => this.ended(code),
    });
  }

  async kill(): Promise<void> {
    clearTimeout(this.again);
    this.killing = true;
    this.current?.force();
    await this.current?.exited;
  }

  private ended(code: number | null): void {
    if (this.killing || code === 0) return;
    this.options.onOwnEnd();
    this.again = setTimeout(() => void this.start(), supervisorWaitsMs).unref();
  }
}
