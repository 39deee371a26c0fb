import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { type PidRecord, removePidRecord, writePidRecord } from './pidFiles.js';
import { birthTimeOf, selfIdentity } from './processIdentity.js';
import { StartError } from './startError.js';

export { endLeftovers } from './leftovers.js';

export interface SpawnOptions {
  /** Short and unique in the pid folder: it names the pid file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; this process's own by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  readonly pidDir: string;
  /** The ports it listens on, for whoever reads the pid file. */
  readonly ports?: readonly number[] | undefined;
  /** Takes what it prints, also after we are gone; without it, `onLine` does. */
  readonly logFile?: string | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
  readonly onExit?: ((status: ExitStatus) => void) | undefined;
  /** The signal that asks it to end in good order. */
  readonly stopSignal?: PidRecord['stopSignal'] | undefined;
  /** The signal that ends it at once. */
  readonly forceSignal?: 'SIGKILL' | 'SIGQUIT' | undefined;
  /** How long it may take to end in good order, in milliseconds. */
  readonly stopLimitMs?: number | undefined;
  /** As root: the user to run as. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface OwnedProcess {
  readonly name: string;
  readonly pid: number;
  /** Fulfilled when it has ended, for whatever reason, and its pid file is gone. */
  readonly exited: Promise<ExitStatus>;
  readonly running: () => boolean;
  /** Asks it to end; after its limit, makes it. Fulfilled when it is gone; may be called again. */
  readonly stop: () => Promise<void>;
  /** Makes it end now, without waiting. */
  readonly force: () => void;
}

const LOG_KEPT_BYTES = 10_000_000;

/** Running processes in the order of their start. */
const owned = new Set<OwnedProcess>();
let order = 0;
let exitHookSet = false;

/**
 * Starts a child process that we answer for: it is remembered in a pid file for the next start, ended by `stopAll`, and
 * never outlives a normal or failing exit of this process.
 *
 * The child leads a process group of its own: Ctrl-C in a terminal signals the whole foreground group, which would take
 * Postgres away from a worker that is just committing. So only we get it, and the order of shutdown is ours.
 *
 * @throws StartError if the command cannot be run or the pid file cannot be written
 */
export async function spawnOwned(options: SpawnOptions): Promise<OwnedProcess> {
  endWithUs();
  const child = await launch(options);
  readLines(child, options.onLine);
  const record = describe(options, child);
  const exited = once(child, 'exit').then(async ([code, signal]): Promise<ExitStatus> => {
    owned.delete(self);
    if (record) await removePidRecord(options.pidDir, record);
    options.onExit?.({ code, signal });
    return { code, signal };
  });
  const self = handle(options, child, exited);
  owned.add(self);
  await remember(options, record, self);
  return self;
}

/** A process that the next start could not find must not run. */
async function remember(options: SpawnOptions, record: PidRecord | undefined, child: OwnedProcess): Promise<void> {
  try {
    if (record) await writePidRecord(options.pidDir, record);
  } catch (error) {
    child.force();
    await child.exited;
    throw new StartError(`The pid file of ${options.name} cannot be written: ${(error as Error).message}.`);
  }
  if (record && !child.running()) await removePidRecord(options.pidDir, record);
}

/** Ends all that `spawnOwned` started and that still runs, last started first, each within its own time limit. */
export async function stopAll(): Promise<void> {
  for (const process of [...owned].reverse()) await process.stop();
}

/** Ends all at once, without waiting or order. What has to survive that (Postgres, Temporal's file) recovers on its next start. */
export function forceStopAll(): void {
  for (const process of [...owned].reverse()) process.force();
}

function endWithUs(): void {
  if (exitHookSet) return;
  exitHookSet = true;
  process.once('exit', forceStopAll);
}

async function launch(options: SpawnOptions): Promise<ChildProcess> {
  const log = options.logFile === undefined ? undefined : openLog(options.logFile);
  const output = log ?? (options.onLine ? 'pipe' : 'ignore');
  const stdio: StdioOptions = ['ignore', output, output];
  try {
    const { env, cwd, user } = options;
    const child = spawn(options.command, options.args, { env, cwd, ...user, stdio, detached: true });
    await once(child, 'spawn');
    return child;
  } catch (error) {
    throw new StartError(`${options.name} cannot be started: ${(error as Error).message}.`);
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

/** Appends, so that the reason of the last failure is still there; begins anew when the file has grown large. */
function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(path, size > LOG_KEPT_BYTES ? 'w' : 'a');
}

/** Undefined if the child has ended already: there is nobody to remember. */
function describe(options: SpawnOptions, child: ChildProcess): PidRecord | undefined {
  const pid = child.pid as number;
  const birthTime = birthTimeOf(pid);
  if (birthTime === undefined) return undefined;
  return {
    pid,
    birthTime,
    name: options.name,
    ports: [...(options.ports ?? [])],
    order: ++order,
    stopSignal: options.stopSignal ?? 'SIGTERM',
    owner: selfIdentity(),
  };
}

function handle(options: SpawnOptions, child: ChildProcess, exited: Promise<ExitStatus>): OwnedProcess {
  const running = () => child.exitCode === null && child.signalCode === null;
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    if (!running()) return;
    child.kill(options.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => killGroup(child), options.stopLimitMs ?? 10_000);
    await exited;
    clearTimeout(timer);
  };
  return {
    name: options.name,
    pid: child.pid as number,
    exited,
    running,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
    force: () => (options.forceSignal === 'SIGQUIT' ? child.kill('SIGQUIT') : killGroup(child)),
  };
}

/** The group, because a runner such as tsx has the real process as its child and cannot pass SIGKILL on. */
function killGroup(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function readLines(child: ChildProcess, onLine: ((line: string) => void) | undefined): void {
  if (!onLine) return;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine);
  }
}
