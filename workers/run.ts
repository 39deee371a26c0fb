import { ConfigError } from '../config/config.js';
import { IncompleteConfig } from './composition.js';

/** Runs a process's main function: what a person can mend is one sentence, anything else a stack; both end with 1. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const mendable = error instanceof ConfigError || error instanceof IncompleteConfig;
    process.stderr.write(`${mendable ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exitCode = 1;
  }
}

/** Calls `stop` once, at the first SIGTERM or SIGINT. */
export function onStop(stop: () => void): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (!stopping) stop();
      stopping = true;
    });
  }
}
