import { readNumbers } from '../commandLine.js';

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

/** @throws UsageError */
export function readSoakOptions(args: readonly string[]): SoakOptions {
  return readNumbers(args, { what: ['reading'], otherwise: 'It soaks "reading"', numbers: { seeds: 100, from: 1 } });
}
