import type { WorkflowHandle } from '@temporalio/client';

/** A run's whole history as text, with every payload decoded: all that anybody with the Temporal UI can read. */
export async function decodedHistory(handle: WorkflowHandle): Promise<string> {
  return JSON.stringify(decoded(JSON.parse(JSON.stringify(await handle.fetchHistory()))));
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
