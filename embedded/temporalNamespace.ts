import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

export const NAMESPACE = 'default';
const DAY_MS = 86_400_000;

/** How long ended runs are kept from now on. */
export async function setRetention({ workflowService }: Connection, days: number): Promise<void> {
  const config = { workflowExecutionRetentionTtl: msToTs(days * DAY_MS) };
  await workflowService.updateNamespace({ namespace: NAMESPACE, config });
}
