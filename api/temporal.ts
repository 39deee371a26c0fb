/** The backfill's control on Temporal. Ids and dates only: nothing that a customer typed may stand in Temporal. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { readingTaskQueue, workflowIds } from '../domain/names.js';
import type { AskedBy } from '../domain/ports.js';
import {
  type BackfillInput,
  backfillWorkflowName,
  pauseSignal,
  resumeSignal,
  searchAttributeKeys,
  syncFromDateChosenSignal,
} from '../workflows/contract.js';
import type { BackfillControl, BackfillStart, StartedRun, WorkflowRun } from './backfillControl.js';

/** Whoever waits for an answer is told in seconds when Temporal is away. */
const answerWithinMs = 5000;

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away; the API answers 503 to it.
 */
export function createBackfillControl(client: Client, taskQueue = readingTaskQueue): BackfillControl {
  const withinTime = <T>(work: () => Promise<T>) => client.withDeadline(Date.now() + answerWithinMs, work);

  async function withRunning(
    id: string,
    act: (handle: WorkflowHandle) => Promise<unknown>,
  ): Promise<WorkflowRun | null> {
    const handle = client.workflow.getHandle(workflowIds.backfill(id));
    return withinTime(async () => {
      const run = await runOf(handle);
      await act(handle);
      return run;
    }).catch(nullWhenNotFound);
  }

  return {
    start: (backfill) =>
      withinTime(async () => {
        try {
          return await startedRunOf(await startWorkflow(client, taskQueue, backfill));
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return 'alreadyDone';
          throw error;
        }
      }),
    pause: (id) => withRunning(id, (handle) => handle.signal(pauseSignal)),
    resume: (id) => withRunning(id, (handle) => handle.signal(resumeSignal)),
    cancel: (id) => withRunning(id, (handle) => handle.cancel()),
    syncFromDateChosen: async (id) => {
      await withRunning(id, (handle) => handle.signal(syncFromDateChosenSignal));
    },
  };
}

function startWorkflow(client: Client, taskQueue: string, backfill: BackfillStart): Promise<WorkflowHandle> {
  const input: BackfillInput = { connectionId: backfill.connectionId };
  return client.workflow.start(backfillWorkflowName, {
    workflowId: workflowIds.backfill(backfill.connectionId),
    taskQueue,
    args: [input],
    // One that ended well is never run again; one that did not may be.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    typedSearchAttributes: [
      { key: searchAttributeKeys.company, value: backfill.companyId },
      { key: searchAttributeKeys.connection, value: backfill.connectionId },
    ],
    ...(backfill.askedBy.requestId !== null && { memo: { ...backfill.askedBy } }),
    staticSummary: `First full read · company ${backfill.companyId} · ${rangeOf(backfill)}`,
    staticDetails: detailsOf(backfill),
  });
}

function rangeOf({ syncFromDate }: BackfillStart): string {
  if (!syncFromDate.chosen) return 'Sync From Date to be chosen';
  return syncFromDate.date === null ? 'all history' : `from ${syncFromDate.date}`;
}

function detailsOf(backfill: BackfillStart): string {
  return [
    `- **Company**: \`${backfill.companyId}\``,
    `- **Connection**: \`${backfill.connectionId}\``,
    `- **Documents**: ${rangeOf(backfill)}`,
    ...askedLines(backfill.askedBy),
    '',
    "Reads contacts, settings and documents from Xero into the mirror, and sleeps when the day's calls are used up.",
  ].join('\n');
}

/** Opaque ids both; a backtick would end the code that they are shown as. */
function askedLines({ requestId, actor }: AskedBy): string[] {
  const lines = { Request: requestId, Actor: actor };
  return Object.entries(lines).flatMap(([name, value]) =>
    value === null ? [] : [`- **${name}**: \`${value.replaceAll('`', "'")}\``],
  );
}

/** Who asked is read from the run itself: a start that found one in hand answers who asked for that one. */
async function startedRunOf(handle: WorkflowHandle): Promise<StartedRun> {
  const description = await handle.describe();
  const { requestId = null, actor = null } = (description.memo ?? {}) as Partial<AskedBy>;
  return { ...runIn(description), askedBy: { requestId, actor } };
}

async function runOf(handle: WorkflowHandle): Promise<WorkflowRun> {
  return runIn(await handle.describe());
}

/** The handle of a start that found one in hand knows only its current run, so the first is asked for. */
function runIn(description: WorkflowExecutionDescription): WorkflowRun {
  const first = description.raw.workflowExecutionInfo?.firstRunId;
  return { workflowId: description.workflowId, runId: first ? first : description.runId };
}

function nullWhenNotFound(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
