import type { Client, WorkflowHandle } from '@temporalio/client';

/** A run's whole history as text, with every payload decoded: all that anybody with the Temporal UI can read. */
export async function decodedHistory(handle: WorkflowHandle): Promise<string> {
  return asText(await handle.fetchHistory());
}

/** Beside the history: memo, search attributes, summaries, details, and the failures of activities that are tried again. */
export async function decodedDescription(handle: WorkflowHandle): Promise<string> {
  const metadata = await handle.query('__temporal_workflow_metadata');
  return `${asText((await handle.describe()).raw)}${JSON.stringify(metadata)}`;
}

/** Every schedule of the client's namespace, as described. */
export async function decodedSchedules(client: Client): Promise<string> {
  let text = '';
  for await (const { scheduleId } of client.schedule.list()) {
    text += asText((await client.schedule.getHandle(scheduleId).describe()).raw);
  }
  return text;
}

/** A message of Temporal's protocol, whose bytes are base64 once it is JSON. */
function asText(message: unknown): string {
  return JSON.stringify(decoded(JSON.parse(JSON.stringify(message))));
}

function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decoded);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const isPayload = key === 'data' && typeof inner === 'string';
    return [key, isPayload ? Buffer.from(inner, 'base64').toString() : decoded(inner)];
  });
  return Object.fromEntries(entries);
}
