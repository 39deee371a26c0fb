import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Import, importsOf, textOf, trackedFiles } from './sources.js';

const law = 'the table "Folders and arrows" in ARCHITECTURE.md';

interface Allowed {
  name: string;
  typeOnly: boolean;
}

/** By folder, what its files may import; null is everything. */
function readLaw(): Map<string, Allowed[] | null> {
  const rows = [...textOf('ARCHITECTURE.md').matchAll(/^\| (`[^|]*\/`) \|[^|]*\| ([^|]*) \|$/gm)];
  return new Map(
    rows.flatMap(([, folders = '', allowed = '']) =>
      [...folders.matchAll(/`(\w+)\/`/g)].map(([, folder]) => [folder as string, readAllowed(allowed)] as const),
    ),
  );
}

function readAllowed(cell: string): Allowed[] | null {
  if (cell.trim() === 'everything') return null;
  return [...cell.matchAll(/(types of )?`([^`]+)`/g)].map(([, types, name]) => ({
    name: (name as string).replace(/\.ts$/, ''),
    typeOnly: types !== undefined,
  }));
}

/** What an import is called in the table: a path from the root without its ending, `node:`, or a package. */
function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier).replace(/\.(js|ts)$/, '');
  if (specifier.startsWith('node:')) return 'node:';
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function covers({ name, typeOnly }: Allowed, target: string, { typeOnly: onlyTypes }: Import): boolean {
  if (typeOnly && !onlyTypes) return false;
  if (name.endsWith('*')) return target.startsWith(name.slice(0, -1));
  return name.endsWith('/') ? target.startsWith(name) : target === name;
}

/** The arrow as a person reads it, where the table lacks it; null where all is well. */
function forbidden(file: string, found: Import): string | null {
  const folder = file.split('/')[0] as string;
  const allowed = lawOfFolders.get(folder);
  const target = targetOf(file, found.specifier);
  if (allowed === undefined || allowed === null || target.startsWith(`${folder}/`)) return null;
  if (allowed.some((each) => covers(each, target, found))) return null;
  const list = allowed.map(({ name, typeOnly }) => `${typeOnly ? 'types of ' : ''}${name}`).join(', ');
  return `${file} → ${target}${found.typeOnly ? ' (types)' : ''}: ${law} lets ${folder}/ import only itself, ${list}`;
}

const lawOfFolders = readLaw();
const files = trackedFiles().filter((path) => path.endsWith('.ts') && path.includes('/'));
const imports = files.flatMap((file) => importsOf(textOf(file)).map((found) => ({ file, found })));

describe('layers', () => {
  test('the table names every folder of sources', () => {
    const folders = [...new Set(files.map((file) => file.split('/')[0]))];
    expect(folders.filter((folder) => !lawOfFolders.has(folder as string))).toEqual([]);
    expect([...lawOfFolders.keys()]).toEqual(expect.arrayContaining(['domain', 'workflows', 'simulator', 'test']));
  });

  test('no file imports what the table lacks', () => {
    expect(imports.length).toBeGreaterThan(500);
    expect(imports.map(({ file, found }) => forbidden(file, found)).filter(Boolean)).toEqual([]);
  });

  test('an arrow that the table lacks is named with its file and the document', () => {
    const found = importsOf("import { pool } from '../db/pool.js';\nexport type { Pool } from 'pg';");
    expect(found.map((each) => forbidden('domain/rules.ts', each))).toEqual([
      `domain/rules.ts → db/pool: ${law} lets domain/ import only itself, zod, decimal.js`,
      `domain/rules.ts → pg (types): ${law} lets domain/ import only itself, zod, decimal.js`,
    ]);
    const [value, type] = importsOf(
      "import {\n  a,\n} from '../activities/index.js';\nimport type { A } from '../activities/index.js';",
    ) as [Import, Import];
    expect(forbidden('workflows/a.ts', value)).toContain('types of activities/');
    expect(forbidden('workflows/a.ts', type)).toBeNull();
    expect(forbidden('api/a.ts', { specifier: '../workflows/index.js', typeOnly: true })).toContain('api/a.ts');
    expect(forbidden('simulator/a.ts', { specifier: '../domain/codes.js', typeOnly: true })).toContain('simulator/');
  });

  test('every package that is imported is in package.json, and none that runs in production among its devDependencies', () => {
    const { dependencies, devDependencies } = JSON.parse(textOf('package.json'));
    const missing = imports.flatMap(({ file, found }) => {
      const target = targetOf(file, found.specifier);
      if (found.specifier.startsWith('.') || target === 'node:' || target in dependencies) return [];
      const mayBeDev = /^(test|bench)\//.test(file) || found.typeOnly;
      return mayBeDev && (target in devDependencies || `@types/${target}` in devDependencies)
        ? []
        : `${file} → ${target}`;
    });
    expect(missing).toEqual([]);
  });

  test('the domain has no clock, no chance and no I/O; nothing below the processes reads the environment', () => {
    const clock = /\b(Date\.now|Math\.random|performance\.now|setTimeout|fetch)\(|\bnew Date\(\)/;
    const pure = files.filter((file) => file.startsWith('domain/'));
    expect(pure.filter((file) => clock.test(textOf(file)))).toEqual([]);
    const below = files.filter((file) => /^(domain|workflows|activities|xero|db|api)\//.test(file));
    expect(below.filter((file) => textOf(file).includes('process.env'))).toEqual([]);
  });
});
