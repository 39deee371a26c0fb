import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { connectionCodes } from '../../domain/codes.js';
import { eventTypes, keptDays } from '../../domain/feed.js';
import { searchAttributes } from '../../domain/names.js';
import { textOf, trackedFiles } from './sources.js';

const files = trackedFiles();
const sources = files.filter((path) => path.endsWith('.ts'));
const documents = files.filter((path) => path.endsWith('.md'));
const texts = files.filter((path) => !/\.(png|ico|gz)$/.test(path) && path !== 'package-lock.json');
const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function where(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? `${path}:${index + 1}: ${line.trim().slice(0, 100)}` : [])),
  );
}

describe('the house', () => {
  test('no path of a machine stands in a file', () => {
    expect(where(texts, /(^|[\s'"`(=])(\/home\/[a-z]|\/Users\/\w|\/root\/|[A-Z]:\\\\?Users)/)).toEqual([]);
  });

  test('no test is left out or run alone, and nothing is left to be done', () => {
    expect(where(sources, /\.(skip|only|todo)\(/)).toEqual([]);
    expect(where(sources, /\b(TO[D]O|FIX[M]E|XX[X])\b/)).toEqual([]);
  });

  test('no file is larger than it need be', () => {
    const large = files.filter((path) => statSync(at(path)).size > (path.endsWith('.png') ? 300_000 : 2_000_000));
    expect(large).toEqual([]);
  });

  test('the lock file names no registry, so that each machine takes its own, and holds every platform of every package', () => {
    const packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }> = JSON.parse(
      textOf('package-lock.json'),
    ).packages;
    const resolved = Object.values(packages).flatMap((each) => each.resolved ?? []);
    expect(resolved).toEqual([]);
    const absent = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).flatMap((name) =>
        [path, ''].some((base) => `${base ? `${base}/` : ''}node_modules/${name}` in packages)
          ? []
          : `${path} → ${name}`,
      ),
    );
    expect(absent).toEqual([]);
  });

  test('every npm command of a document is a script of package.json', () => {
    const { scripts } = JSON.parse(textOf('package.json'));
    const named = documents.flatMap((path) =>
      [...textOf(path).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => match[1] ?? match[2] ?? ''),
    );
    expect(named).toEqual(expect.arrayContaining(['start', 'test']));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('every link from one file of ours to another leads somewhere', () => {
    const dead = documents.flatMap((path) =>
      [...textOf(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].flatMap(([, link = '']) =>
        existsSync(fileURLToPath(new URL(link, `file://${at(path)}`))) ? [] : `${path} → ${link}`,
      ),
    );
    expect(dead).toEqual([]);
  });

  test('every file and folder that a document names in backticks is there', () => {
    const dead = documents.flatMap((path) =>
      [
        ...textOf(path).matchAll(
          /`((?:domain|workflows|activities|xero|db|api|config|workers|embedded|simulator|docs|test)\/[\w./-]*)`/g,
        ),
      ].flatMap(([, named = '']) => (existsSync(at(named)) ? [] : `${path} → ${named}`)),
    );
    expect(dead).toEqual([]);
  });

  test('the page on the feed has every type of event with its sentence and its data', () => {
    const page = textOf('docs/feed.md');
    const rows = Object.entries(eventTypes).map(
      ([type, { sentence, data }]) => `| \`${type}\` | ${sentence} | ${data} |`,
    );
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
    expect(page).toContain(`${keptDays} days`);
  });

  test('the page for support staff has every state of a run, every code of a connection and every search attribute', () => {
    const page = textOf('docs/operations.md');
    const union = /export type RunState =([^;]+);/.exec(textOf('workflows/contract.ts'))?.[1] ?? '';
    const states = [...union.matchAll(/'(\w+)'/g)].map(([, state]) => state as string);
    expect(states).toContain('completed');
    const names = [...states, ...Object.keys(connectionCodes), ...Object.values(searchAttributes)];
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
