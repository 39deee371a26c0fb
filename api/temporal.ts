/** The controls of the work on Temporal. Ids and dates only: nothing that a customer typed may stand in Temporal. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { pushTaskQueue, readingTaskQueue, workflowIds } from '../domain/names.js';
import type { AskedBy, OutboxBell, WebhookBell } from '../domain/ports.js';
import {
  type BackfillInput,
  backfillWorkflowName,
  connectionChangedSignal,
  deleteCompanyWorkflowName,
  type ExportInput,
  exportWorkflowName,
  type OutboxInput,
  outboxWorkflowName,
  type PaymentImportInput,
  type PreviewInput,
  pauseSignal,
  paymentImportWorkflowName,
  previewWorkflowName,
  resumeSignal,
  ringSignal,
  type SyncInput,
  searchAttributeKeys,
  syncWorkflowName,
  type WebhookInput,
  webhookSignal,
  webhookWorkflowName,
} from '../workflows/contract.js';
import type { BackfillControl, BackfillStart, StartedRun, WorkflowRun } from './backfillControl.js';
import type { DeletionControl } from './deletionControl.js';
import type { OutboxControl } from './outboxControl.js';
import type { PaymentRunControl, PaymentRunStart } from './paymentRunControl.js';
import type { ReviewControl, ReviewStart } from './reviewControl.js';
import type { SyncControl, SyncStart } from './syncControl.js';
import type { WebhookControl } from './webhookControl.js';

/** Whoever waits for an answer is told in seconds when Temporal is away. */
const answerWithinMs = 5000;

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away; the API answers 503 to it.
 */
export function createBackfillControl(client: Client, taskQueue = readingTaskQueue): BackfillControl {
  const withRunning = onRunning(client, workflowIds.backfill);
  return {
    start: (backfill, inPlaceOf) =>
      withinTime(client, async () => {
        try {
          return await startedRunOf(await startWorkflow(client, taskQueue, backfill, inPlaceOf));
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return 'alreadyDone';
          throw error;
        }
      }),
    pause: (id) => withRunning(id, (handle) => handle.signal(pauseSignal)),
    resume: (id) => withRunning(id, (handle) => handle.signal(resumeSignal)),
    cancel: (id) => withRunning(id, (handle) => handle.cancel()),
    connectionChanged: async (id) => {
      await withRunning(id, (handle) => handle.signal(connectionChangedSignal));
    },
  };
}

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away; the API answers 503 to it.
 */
export function createSyncControl(client: Client, taskQueue = readingTaskQueue): SyncControl {
  return {
    start: (wanted, inPlaceOf) =>
      withinTime(client, async () => {
        try {
          const handle = await startSync(client, taskQueue, wanted, inPlaceOf);
          const { workflowId, firstExecutionRunId: runId } = handle;
          return { workflowId, runId, askedBy: wanted.askedBy, alreadyRunning: false };
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          const inHand = await startedRunOf(client.workflow.getHandle(workflowIds.sync(wanted.connectionId)));
          return { ...inHand, alreadyRunning: true };
        }
      }),
    async cancel(id) {
      for (const workflowId of [workflowIds.sync, workflowIds.secondLook]) {
        await onRunning(client, workflowId)(id, (handle) => handle.cancel());
      }
    },
  };
}

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away; the API answers 503 to it.
 */
export function createDeletionControl(client: Client, taskQueue = readingTaskQueue): DeletionControl {
  return {
    start: (companyId) =>
      withinTime(client, async () =>
        runOf(
          await client.workflow.start(deleteCompanyWorkflowName, {
            workflowId: workflowIds.deleteCompany(companyId),
            taskQueue,
            args: [companyId],
            workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
            workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
            typedSearchAttributes: [{ key: searchAttributeKeys.company, value: companyId }],
            staticSummary: `Deletion of company ${companyId}`,
            staticDetails: 'Removes every row of the company, after its runs and its links at Xero have ended.',
          }),
        ),
      ),
  };
}

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away.
 */
export function createWebhookControl(client: Client, taskQueue = readingTaskQueue): WebhookControl {
  return {
    ring: (bell) => withinTime(client, () => ring(client, taskQueue, bell)),
    cancel: (id) => onRunning(client, workflowIds.webhookFetch)(id, (handle) => handle.cancel()),
  };
}

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away; the API answers 503 to it.
 */
export function createReviewControl(client: Client, taskQueue = readingTaskQueue): ReviewControl {
  const withExport = onRunning(client, workflowIds.export);
  const start = (wanted: ReviewStart, workflowId: string, workflow: string, input: PreviewInput | ExportInput) =>
    withinTime(client, async () =>
      startedRunOf(
        await client.workflow.start(workflow, {
          workflowId,
          taskQueue,
          args: [input],
          // One that has ended is not done again: it is in Postgres.
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          typedSearchAttributes: searchAttributesOf(wanted.connectionId, wanted.companyId),
          ...memoOf(wanted.askedBy),
          staticSummary: `${reviewTitles[workflow]} · company ${wanted.companyId}`,
          staticDetails: reviewDetails(wanted),
        }),
      ),
    );
  return {
    startPreview: (wanted) =>
      start(wanted, workflowIds.preview(wanted.id), previewWorkflowName, {
        previewId: wanted.id,
        connectionId: wanted.connectionId,
      }),
    startExport: (wanted) =>
      start(wanted, workflowIds.export(wanted.id), exportWorkflowName, {
        exportId: wanted.id,
        connectionId: wanted.connectionId,
      }),
    pauseExport: (id) => withExport(id, (handle) => handle.signal(pauseSignal)),
    resumeExport: (id) => withExport(id, (handle) => handle.signal(resumeSignal)),
    cancelExport: (id) => withExport(id, (handle) => handle.cancel()),
    cancelPreview: (id) => onRunning(client, workflowIds.preview)(id, (handle) => handle.cancel()),
  };
}

const reviewTitles: Readonly<Record<string, string>> = {
  [previewWorkflowName]: 'Preview',
  [exportWorkflowName]: 'Export',
};

/** What support staff read at the head of a preview or an export. */
function reviewDetails({ connectionId, companyId, askedBy }: ReviewStart): string {
  return [
    `- **Company**: \`${companyId}\``,
    `- **Connection**: \`${connectionId}\``,
    ...askedLines(askedBy),
    '',
    'Reads Xero as it is now; a preview then works out what would move, an export sends what was reviewed.',
  ].join('\n');
}

/** A message and no mere start: a run that is just ending reads it first, where a start would find it still running. */
async function ring(client: Client, taskQueue: string, bell: WebhookBell): Promise<void> {
  const { organisationId, connectionId, companyId } = bell;
  const input: WebhookInput = { connectionId };
  await client.workflow.signalWithStart(webhookWorkflowName, {
    workflowId: workflowIds.webhookFetch(organisationId),
    taskQueue,
    args: [input],
    signal: webhookSignal,
    signalArgs: [],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: searchAttributesOf(connectionId, companyId),
    staticSummary: `Webhooks · company ${companyId}`,
    staticDetails: [
      `- **Company**: \`${companyId}\``,
      `- **Connection**: \`${connectionId}\``,
      '',
      'Fetches by their ids the records that Xero told of, and ends.',
    ].join('\n'),
  });
}

/**
 * @param taskQueue where the workers of the outboxes listen.
 * @throws the client's ServiceError when Temporal is away.
 */
export function createOutboxControl(client: Client, taskQueue = pushTaskQueue): OutboxControl {
  return {
    ring: (bell) => withinTime(client, () => ringOutbox(client, taskQueue, bell)),
    cancel: (id) => onRunning(client, workflowIds.outbox)(id, (handle) => handle.cancel()),
  };
}

async function ringOutbox(client: Client, taskQueue: string, { connectionId, companyId }: OutboxBell): Promise<void> {
  const input: OutboxInput = { connectionId, companyId };
  await client.workflow.signalWithStart(outboxWorkflowName, {
    workflowId: workflowIds.outbox(connectionId),
    taskQueue,
    args: [input],
    signal: ringSignal,
    signalArgs: [],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: searchAttributesOf(connectionId, companyId),
    staticSummary: `Outbox · company ${companyId}`,
    staticDetails: [
      `- **Company**: \`${companyId}\``,
      `- **Connection**: \`${connectionId}\``,
      '',
      'Sends what the platform saved to Xero, and waits some minutes for more.',
    ].join('\n'),
  });
}

/**
 * @param taskQueue where the workers of the reading workflows listen.
 * @throws the client's ServiceError when Temporal is away; the API answers 503 to it.
 */
export function createPaymentRunControl(client: Client, taskQueue = readingTaskQueue): PaymentRunControl {
  return {
    start: (wish) =>
      withinTime(client, async () => {
        try {
          const handle = await startPaymentImport(client, taskQueue, wish);
          const { workflowId, firstExecutionRunId: runId } = handle;
          return { workflowId, runId, askedBy: wish.askedBy, alreadyRunning: false };
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          const inHand = await startedRunOf(client.workflow.getHandle(workflowIds.paymentImport(wish.connectionId)));
          return { ...inHand, alreadyRunning: true };
        }
      }),
    async cancel(id) {
      await onRunning(client, workflowIds.paymentImport)(id, (handle) => handle.cancel());
    },
  };
}

function startPaymentImport(
  client: Client,
  taskQueue: string,
  { connectionId, companyId, askedBy }: PaymentRunStart,
): Promise<WorkflowHandleWithFirstExecutionRunId> {
  const input: PaymentImportInput = { connectionId, priority: 'people', reviewed: null, failuresInARow: 0 };
  return client.workflow.start(paymentImportWorkflowName, {
    workflowId: workflowIds.paymentImport(connectionId),
    taskQueue,
    args: [input],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
    typedSearchAttributes: searchAttributesOf(connectionId, companyId),
    ...memoOf(askedBy),
    staticSummary: `Payment import · company ${companyId}`,
    staticDetails: [
      `- **Company**: \`${companyId}\``,
      `- **Connection**: \`${connectionId}\``,
      ...askedLines(askedBy),
      '',
      'Brings payments made in Xero to the platform, each at most once ever.',
    ].join('\n'),
  });
}

/** @throws the client's ServiceError when there is no answer in time. */
export function withinTime<T>(client: Client, work: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + answerWithinMs, work);
}

/** Does something to the running workflow that a connection has under that id; null where there is none. */
function onRunning(client: Client, workflowId: (connectionId: string) => string) {
  return (id: string, act: (handle: WorkflowHandle) => Promise<unknown>): Promise<WorkflowRun | null> => {
    const handle = client.workflow.getHandle(workflowId(id));
    return withinTime(client, async () => {
      const run = await runOf(handle);
      await act(handle);
      return run;
    }).catch(nullWhenNotFound);
  };
}

function startSync(client: Client, taskQueue: string, wanted: SyncStart, inPlaceOf: 'anyInHand' | undefined) {
  const { connectionId, companyId, mode, streams, askedBy } = wanted;
  const input: SyncInput = { connectionId, mode, streams };
  return client.workflow.start(syncWorkflowName, {
    workflowId: workflowIds.sync(connectionId),
    taskQueue,
    args: [input],
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy:
      inPlaceOf === undefined ? WorkflowIdConflictPolicy.FAIL : WorkflowIdConflictPolicy.TERMINATE_EXISTING,
    typedSearchAttributes: searchAttributesOf(connectionId, companyId),
    ...memoOf(askedBy),
    staticSummary: `Sync · company ${companyId} · ${mode}`,
    staticDetails: syncDetails(wanted),
  });
}

/** What support staff read at the head of a sync. */
function syncDetails({ connectionId, companyId, askedBy }: SyncStart): string {
  return [
    `- **Company**: \`${companyId}\``,
    `- **Connection**: \`${connectionId}\``,
    ...askedLines(askedBy),
    '',
    "Reads what changed in Xero into the mirror, stream by stream, and sleeps when the day's calls are used up.",
  ].join('\n');
}

function searchAttributesOf(connectionId: string, companyId: string) {
  return [
    { key: searchAttributeKeys.company, value: companyId },
    { key: searchAttributeKeys.connection, value: connectionId },
  ];
}

function startWorkflow(
  client: Client,
  taskQueue: string,
  backfill: BackfillStart,
  inPlaceOf: 'anyInHand' | undefined,
): Promise<WorkflowHandle> {
  const input: BackfillInput = { connectionId: backfill.connectionId };
  return client.workflow.start(backfillWorkflowName, {
    workflowId: workflowIds.backfill(backfill.connectionId),
    taskQueue,
    args: [input],
    // One that ended well is never run again; one that did not may be.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowIdConflictPolicy:
      inPlaceOf === undefined ? WorkflowIdConflictPolicy.USE_EXISTING : WorkflowIdConflictPolicy.TERMINATE_EXISTING,
    typedSearchAttributes: searchAttributesOf(backfill.connectionId, backfill.companyId),
    ...memoOf(backfill.askedBy),
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

function memoOf(askedBy: AskedBy) {
  return askedBy.requestId !== null && { memo: { ...askedBy } };
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
