import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Paths of the tracked files, whoever owns the checkout. */
export function trackedFiles(): string[] {
  const listed = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed.split('\0').filter(Boolean);
}

export function textOf(path: string): string {
  return readFileSync(`${root}/${path}`, 'utf8');
}

export interface Import {
  specifier: string;
  /** Gone after compiling. */
  typeOnly: boolean;
}

const statements = /^\s*(?:import|export)\s+(type\s+)?(?:[\w\s{},*$]+?\s+from\s+)?'([^']+)'/gm;
const calls = /\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*'([^']+)'/g;

/** Every import of a source file: a scan for the shapes that the formatter leaves, no parser. */
export function importsOf(source: string): Import[] {
  const stated = [...source.matchAll(statements)].map(([, type, specifier]) => ({
    specifier: specifier as string,
    typeOnly: type !== undefined,
  }));
  const called = [...source.matchAll(calls)].map(([, specifier]) => ({
    specifier: specifier as string,
    typeOnly: false,
  }));
  return [...stated, ...called];
}
