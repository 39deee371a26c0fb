/**
 * Records the histories that the replay test holds every later version of the workflow against: one backfill that
 * nothing happens to, one that sleeps through the end of a day's calls, one that is paused and resumed; and an outbox.
 *
 *   npx tsx test/workflows/record.ts
 *
 * Record anew only before a version is released, or beside the old files under new names: a run in hand was begun by the
 * old code, and a history that no longer replays says that its run would break (use `patched` instead).
 * The files are histories as the SDK holds them, numbers as numbers and bytes in base64, without stack traces.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { Books } from '../support/books.js';
import setup from '../support/globalSetup.js';
import { connectBothWays, contentOf } from '../support/platform.js';
import { quietWorkers } from '../support/quiet.js';
import { type System, startSystem } from '../support/system.js';

const folder = new URL('./histories/', import.meta.url);
const counts = { contacts: 20, invoices: 30 };

const scenes: Record<string, (system: System) => Promise<Books>> = {
  undisturbed: async (system) => system.connect(await system.organisation({ counts })),

  dailySleep: async (system) => system.connect(await system.organisation({ counts, limits: { day: 12 } })),

  pause: async (system) => {
    const organisation = await system.organisation({ counts });
    await system.xero('POST', '/faults', [{ kind: 'timeout', match: { path: 'Invoices' } }]);
    const books = await system.connect(organisation);
    await books.until('it reads documents', ({ streams }) => streams.invoices.status !== 'waiting');
    await books.steer('pause');
    await books.until('it is paused', ({ status }) => status === 'paused');
    await system.xero('DELETE', '/faults');
    await books.steer('resume');
    return books;
  },
};

interface HistoryClass {
  toObject(history: object, options: { longs: typeof Number; bytes: typeof String }): object;
}

async function record(handle: WorkflowHandle): Promise<string> {
  const history = await handle.fetchHistory();
  const historyClass = history.constructor as unknown as HistoryClass;
  const plain = historyClass.toObject(history, { longs: Number, bytes: String });
  return `${JSON.stringify(plain, (key, value) => (key === 'stackTrace' ? '' : value), 1)}\n`;
}

quietWorkers();
const tearDown = await setup();
const system = await startSystem({ dayMs: 8000 });

/** An outbox that sends, is rung again, looks up an answer that was lost, and is ended. */
async function outboxRun(): Promise<WorkflowHandle> {
  await system.startSenderHere({ deadlineMs: 1000, patience: { absentAfterMs: 1500, firstWaitMs: 50 } });
  const platform = await connectBothWays(system);
  await platform.save('contact', 'c', contentOf.contact());
  await platform.until('contact', 'c', 'sent');
  await system.xero('POST', '/faults', [{ kind: 'status', status: 503, times: 1, match: { method: 'PUT' } }]);
  await platform.save('invoice', 'i', contentOf.invoice('c'));
  await platform.until('invoice', 'i', 'sent');
  await platform.outbox.cancel();
  await platform.outbox.result().catch(() => undefined);
  return platform.outbox;
}

try {
  await system.startWorkerHere({ deadlineMs: 1000, patience: { firstWaitMs: 50 } });
  await mkdir(folder, { recursive: true });
  for (const [name, play] of Object.entries(scenes)) {
    const books = await play(system);
    const { outcome, sleeps } = await books.ended();
    await writeFile(new URL(`${name}.json`, folder), await record(books.run));
    process.stdout.write(`${name}: ${outcome}, ${sleeps.length} sleeps\n`);
  }
  await writeFile(new URL('outbox.json', folder), await record(await outboxRun()));
} finally {
  await system.stop();
  await tearDown();
}
