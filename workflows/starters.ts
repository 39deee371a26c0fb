import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { workflowIds } from '../domain/names.js';
import {
  type PaymentImportInput,
  paymentImportWorkflowName,
  type SecondLookRequest,
  type StarterInput,
  type SyncInput,
  searchAttributeKeys,
  secondLookWorkflowName,
  syncWorkflowName,
} from './contract.js';

/** Whether the work was in hand already: then it is joined. */
interface Started {
  alreadyRunning: boolean;
}

/** Starts the connection's sync and ends. */
export async function nightly(input: StarterInput): Promise<Started> {
  const { connectionId } = input;
  const wish: SyncInput = { connectionId, mode: 'incremental', streams: null };
  return await startOnce(input, syncWorkflowName, workflowIds.sync(connectionId), wish);
}

/** Starts the connection's second look and ends. */
export async function weekly(input: StarterInput): Promise<Started> {
  const { connectionId } = input;
  const wish: SecondLookRequest = { connectionId };
  return await startOnce(input, secondLookWorkflowName, workflowIds.secondLook(connectionId), wish);
}

/** Starts the connection's payment import and ends. */
export async function payments(input: StarterInput): Promise<Started> {
  const { connectionId } = input;
  const wish: PaymentImportInput = { connectionId, priority: 'background', reviewed: null, failuresInARow: 0 };
  return await startOnce(input, paymentImportWorkflowName, workflowIds.paymentImport(connectionId), wish);
}

const titles: Readonly<Record<string, string>> = {
  [syncWorkflowName]: 'Sync',
  [secondLookWorkflowName]: 'Second look',
  [paymentImportWorkflowName]: 'Payment import',
};

/** The id of a scheduled workflow has the time in it, so it cannot see to it that there is one at a time; the child's does. */
async function startOnce(
  { connectionId, companyId }: StarterInput,
  workflow: string,
  workflowId: string,
  wish: SyncInput | SecondLookRequest | PaymentImportInput,
): Promise<Started> {
  try {
    await startChild(workflow, {
      workflowId,
      args: [wish],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: [
        { key: searchAttributeKeys.company, value: companyId },
        { key: searchAttributeKeys.connection, value: connectionId },
      ],
      staticSummary: `${titles[workflow]} · company ${companyId} · by schedule`,
    });
    return { alreadyRunning: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { alreadyRunning: true };
    throw error;
  }
}
