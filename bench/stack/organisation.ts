/** Organisations in the simulator, and their first full read by the service. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { workflowIds } from '../../domain/names.js';
import type { StreamName } from '../../domain/streams.js';
import { consentTo } from '../../test/support/books.js';
import { control } from '../../test/xero/support.js';
import { noLimit, type Stack } from './stack.js';

export interface OrganisationWish {
  /** Rows of all streams together, as the simulator shares them out. */
  records?: number;
  /** Or rows by stream, the others empty. */
  counts?: Record<string, number>;
  limits?: { minute?: number; day?: number };
}

/** Without limits but five calls in flight, unless they are wished. @returns its tenant id. */
export async function newOrganisation({ simulatorUrl }: Stack, wish: OrganisationWish): Promise<string> {
  const limits = { minute: noLimit, day: noLimit, ...wish.limits };
  const all = { name: randomUUID(), seed: '1', ...wish, limits };
  return (await control<{ tenantId: string }>(simulatorUrl, 'POST', '/organisations', all)).tenantId;
}

export interface Backfilled {
  connectionId: string;
  handle: WorkflowHandle;
  /** Rows in the mirror. */
  records: number;
  /** From the workflow's start to its end. */
  ms: number;
}

/** Connects a company over OAuth, which starts its first full read, and waits until that has ended. */
export async function backfill(
  stack: Stack,
  organisation: string,
  optionalStreams: readonly StreamName[] = [],
): Promise<Backfilled> {
  const company = randomUUID();
  await stack.api.put(`/companies/${company}`, { name: 'A company' });
  const wish = { company, direction: 'import', syncFromDate: null };
  const made = await stack.api.post<{ id: string; consentUrl: string }>('/connections', wish);
  await stack.api.patch(`/connections/${made.id}/settings`, { optionalStreams });
  await consentTo(made.consentUrl, organisation);
  const handle = stack.temporal.workflow.getHandle(workflowIds.backfill(made.id));
  const { records } = (await handle.result()) as { records: Record<StreamName, number> };
  const { startTime, closeTime } = await handle.describe();
  return {
    connectionId: made.id,
    handle,
    records: Object.values(records).reduce((sum, count) => sum + count, 0),
    ms: Number(closeTime) - Number(startTime),
  };
}

/** A worker's first read compiles and connects; it is not what is measured. */
export async function warmUp(stack: Stack, records = 20_000): Promise<void> {
  await backfill(stack, await newOrganisation(stack, { records }));
}
