import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { addMissingSearchAttributes, searchAttributeTypes } from '../../workers/searchAttributes.js';
import { eventually } from './waiting.js';

/** A namespace of its own on the shared server: workers of other tests, who serve the same queue, see nothing of it. */
export async function freshNamespace(connection: Connection): Promise<string> {
  const namespace = `test-${randomUUID()}`;
  const workflowExecutionRetentionPeriod = msToTs(86_400_000);
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
  await eventually(
    'the new namespace is served',
    () => addMissingSearchAttributes(connection, namespace, searchAttributeTypes).then(() => 'served', String),
    (answer) => answer === 'served',
  );
  return namespace;
}
