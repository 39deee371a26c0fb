import { parseArgs } from 'node:util';

export interface SoakOptions {
  seeds: number;
  /** The first seed. */
  from: number;
  help: boolean;
}

export const usage = `npm run soak -- reading [options]

  --seeds N   how many seeds, each with every way of reading (default 100)
  --from S    the first seed (default 1); a seed that failed is run again alone with --from S --seeds 1
  --help      this text

Each seed makes, for every way of reading, an organisation of the simulator with a stream of several pages, and edits it
next to the pages' edges while it is read: edits, additions, archiving, merges, dates moved out of scope and into it, before
or after a page is computed, answers out of order, Xero's open facts in one of their positions. Then every record stamped
before the reading's cursor has to be there by id and hash, and after one more reading without edits, every record.
Exit code 0: nothing was lost. 1: something was.`;

/** The command line was not understood; the message says which part. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readSoakOptions(args: readonly string[]): SoakOptions {
  const { values, positionals } = parse(args);
  const [what, ...more] = positionals;
  if (!values.help && (what !== 'reading' || more.length > 0)) {
    throw new UsageError(`It soaks "reading", not "${positionals.join(' ')}". See --help.`);
  }
  return { seeds: whole('--seeds', values.seeds), from: whole('--from', values.from), help: values.help };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seeds: { type: 'string', default: '100' },
        from: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`);
  }
}

function whole(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`${name} takes a whole number, not "${value}". See --help.`);
  return Number(value);
}
