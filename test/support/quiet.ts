import { DefaultLogger, Runtime } from '@temporalio/worker';

/** Workers of this process report errors only: the faults that tests cause are warnings. Before the first of them. */
export function quietWorkers(): void {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
}
