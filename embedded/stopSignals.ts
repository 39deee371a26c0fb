import { forceStopAll } from './processes.js';

/**
 * One Ctrl-C arrives twice under npm: from the terminal, and again from npm, which forwards SIGINT and SIGTERM to its
 * script (@npmcli/run-script, signal-manager). A second one this soon is not a person's second Ctrl-C.
 */
const ECHO_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** 128 + SIGINT, as shells report it. */
const FORCED_EXIT_CODE = 130;

/**
 * Calls `stop` at the first Ctrl-C, SIGTERM or closed terminal; the second ends everything at once and exits with 130.
 * @param stop ends all in good order and then the process; called once
 * @returns a function that takes the handlers away again
 */
export function stopOnSignals(stop: (signal: NodeJS.Signals) => void): () => void {
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = Date.now();
      stop(signal);
    } else if (Date.now() - first > ECHO_MS) {
      forceStopAll();
      process.exit(FORCED_EXIT_CODE);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
