import { parseArgs } from 'node:util';

/** The command line was not understood; the message says which part. */
export class UsageError extends Error {}

interface Wanted<Name extends string, What extends string> {
  /** What the command can do, a word each. */
  what: readonly What[];
  /** The sentence for another word, up to the word. */
  otherwise: string;
  /** Options that take a whole number, with their defaults. */
  numbers: Readonly<Record<Name, number>>;
}

/** @throws UsageError */
export function readNumbers<Name extends string, const What extends string>(
  args: readonly string[],
  { what, otherwise, numbers }: Wanted<Name, What>,
): Record<Name, number> & { help: boolean; what: What | undefined } {
  const { values, positionals } = parse(args, Object.keys(numbers));
  const wish = what.find((each) => each === positionals.join(' '));
  if (values.help !== true && wish === undefined) {
    throw new UsageError(`${otherwise}, not "${positionals.join(' ')}". See --help.`);
  }
  const read = Object.entries<number>(numbers).map(([name, standard]) => [name, whole(name, values[name] ?? standard)]);
  return { ...(Object.fromEntries(read) as Record<Name, number>), help: values.help === true, what: wish };
}

function parse(args: readonly string[], names: readonly string[]) {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    const parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...options, help: { type: 'boolean' } },
    });
    return { values: parsed.values as Record<string, string | boolean | undefined>, positionals: parsed.positionals };
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`);
  }
}

function whole(name: string, value: string | number | boolean): number {
  if (!/^\d{1,9}$/.test(String(value))) {
    throw new UsageError(`--${name} takes a whole number, not "${value}". See --help.`);
  }
  return Number(value);
}
