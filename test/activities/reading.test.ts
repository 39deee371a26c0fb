import { randomUUID } from 'node:crypto';
import { type ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultPatience } from '../../activities/patience.js';
import { createReadingActivities } from '../../activities/reading.js';
import { createMirror } from '../../db/mirror.js';
import type { CallBudget, Take } from '../../domain/ports.js';
import { createXeroReader } from '../../xero/reader.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database?.drop());

async function connectionId(): Promise<string> {
  const [id, organisation, grant] = [randomUUID(), randomUUID(), randomUUID()];
  const { pool } = database;
  await pool.query("INSERT INTO company (id, name, sync_by) VALUES ($1, 'Test', 'company')", [id]);
  await pool.query("INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, 'Test')", [organisation, id]);
  await pool.query(
    "INSERT INTO oauth_grant (id, sealed_tokens, scopes, access_token_expires_at) VALUES ($1, '', '{}', now())",
    [grant],
  );
  await pool.query(
    `INSERT INTO connection (id, company_id, direction, organisation_id, grant_id, status, sync_from_date_chosen)
     VALUES ($1, $4, 'import', $2, $3, 'syncingContacts', true)`,
    [id, organisation, grant, id],
  );
  return id;
}

/** Reads contacts with a budget that refuses for so many milliseconds whenever it is asked. */
async function readWhileRefused(limit: 'minute' | 'concurrent' | 'appminute' | 'day', waitMs: number) {
  let asked = 0;
  const take = async (): Promise<Take> => {
    asked++;
    return { granted: false, limit, waitMs };
  };
  const budget = { take } as unknown as CallBudget;
  const activities = createReadingActivities({
    xero: createXeroReader({
      budget,
      tokens: { accessToken: async () => 'token' },
      // Nobody listens there: a call would be a fault and no wait.
      apiUrl: 'http://127.0.0.1:1',
    }),
    mirror: createMirror(database.pool),
    connections: connectionsIn(database.pool),
    patience: defaultPatience,
    // The clock stands still: it is not by a turn's end that the activity ends.
    elapsed: () => 0,
  });
  const input = { connectionId: await connectionId(), stream: 'contacts', runId: randomUUID() } as const;
  const outcome = await new MockActivityEnvironment()
    .run(activities.readStream, input)
    .then((result) => ({ result }))
    .catch((error: unknown) => ({ error: error as ApplicationFailure }));
  const { rows } = await database.pool.query('SELECT lease_holder FROM stream_cursor WHERE connection_id = $1', [
    input.connectionId,
  ]);
  return { asked, outcome, leases: rows };
}

it.each(['minute', 'appminute', 'concurrent'] as const)(
  'a wait of more than two seconds for the limit %s is Temporal’s: the slot is free at once, and the stream too',
  async (limit) => {
    const { asked, outcome, leases } = await readWhileRefused(limit, 2001);
    expect(asked).toBe(1);
    expect(outcome).toMatchObject({
      error: {
        type: 'budgetWait',
        nextRetryDelay: 2001,
        nonRetryable: false,
        category: ApplicationFailureCategory.BENIGN,
      },
    });
    expect(leases).toEqual([{ lease_holder: null }]);
  },
);

it('short waits one after the other come to two seconds at most, then they are Temporal’s too', async () => {
  const { asked, outcome } = await readWhileRefused('minute', 700);
  // 700 ms and 700 ms are waited for; a third time would be more than two seconds.
  expect(asked).toBe(3);
  expect(outcome).toMatchObject({ error: { type: 'budgetWait', nextRetryDelay: 700 } });
});

it('the end of the day’s calls is no wait of the activity but a sleep of the workflow, with its end', async () => {
  const { asked, outcome } = await readWhileRefused('day', 3_600_000);
  expect(asked).toBe(1);
  expect(outcome).toMatchObject({ result: { outcome: 'sleep', until: expect.stringMatching(/^\d{4}-.*Z$/) } });
});
