import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { organisation, startApi } from './harness.js';

test('a run that is shown as ended has the status it ended in, also when it ends while it is looked at', async () => {
  const api = await startApi();
  try {
    const { id, state } = await api.connect('fern-42');
    await api.callback({ state, code: api.xero.grant([organisation('Fern Ltd')]) });
    const runId = randomUUID();
    await api.deps.runs.start({ workflowId: `backfill:${id}`, runId, kind: 'backfill', connectionId: id });
    const { latest } = api.deps.runs;
    api.deps.runs.latest = async (...question) => {
      await api.deps.connections.moveByRun(id, runId, 'backfilling');
      await api.deps.connections.moveByRun(id, runId, 'active');
      return latest(...question);
    };
    expect((await api.call('GET', `/v1/connections/${id}/backfill`)).json()).toMatchObject({ status: 'active' });
  } finally {
    await api.close();
  }
});
