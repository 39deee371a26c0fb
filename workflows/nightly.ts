import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { workflowIds } from '../domain/names.js';
import { type NightlyInput, searchAttributeKeys, syncWorkflowName } from './contract.js';
import type { sync } from './sync.js';

/**
 * Started by the schedule, it starts the connection's sync and ends: a scheduled workflow's id has the time in it, so it
 * cannot see to it that a connection is read by one at a time; the sync's id does.
 * @returns whether a sync was in hand already, which is joined.
 */
export async function nightly({ connectionId, companyId }: NightlyInput): Promise<{ alreadyRunning: boolean }> {
  try {
    await startChild<typeof sync>(syncWorkflowName, {
      workflowId: workflowIds.sync(connectionId),
      args: [{ connectionId, mode: 'incremental', streams: null }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: [
        { key: searchAttributeKeys.company, value: companyId },
        { key: searchAttributeKeys.connection, value: connectionId },
      ],
      staticSummary: `Sync · company ${companyId} · nightly`,
    });
    return { alreadyRunning: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { alreadyRunning: true };
    throw error;
  }
}
