import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMappingActivities } from '../../activities/mappings.js';
import { createMirror } from '../../db/mirror.js';
import { createSettings } from '../../db/settings.js';
import type { Direction } from '../../domain/connection.js';
import { createCharts } from '../../xero/chart.js';
import { Bench } from '../simulator/support.js';
import { type ChartAnswers, chartAnswers, mirrorChart } from '../support/chart.js';
import { connectionsIn } from '../support/connections.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
let answers: ChartAnswers;

beforeAll(async () => {
  database = await freshDatabase();
  const bench = await Bench.start();
  answers = await chartAnswers(bench);
  await bench.close();
});
afterAll(() => database?.drop());

function ports() {
  const { pool } = database;
  const mirror = createMirror(pool);
  return { mirror, connections: connectionsIn(pool), settings: createSettings(pool), charts: createCharts(mirror) };
}

async function connection(direction: Direction): Promise<{ id: string; organisation: string }> {
  const [id, organisation] = [randomUUID(), randomUUID()];
  const { pool } = database;
  await pool.query("INSERT INTO company (id, name, sync_by) VALUES ($1, 'Test', 'company')", [id]);
  await pool.query("INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, 'Test')", [organisation, id]);
  await pool.query('INSERT INTO connection (id, company_id, direction, organisation_id) VALUES ($1, $2, $3, $4)', [
    id,
    id,
    direction,
    organisation,
  ]);
  return { id, organisation };
}

describe('the check of mappings', () => {
  it('answers the settings that do not fit, each once and without the names that the platform gives', async () => {
    const { mirror, ...others } = ports();
    const { mappingFaults } = createMappingActivities(others);
    const two = await connection('two-way');
    const payments = { 'Card of Marama': '200', 'Other card of Marama': '999', cash: '650' };
    await others.settings.change(two.id, { accounts: { sales: '200', payments } });
    expect(await mappingFaults(two.id)).toEqual(['accounts.purchases']);
    await mirrorChart(mirror, two, answers);
    expect(await mappingFaults(two.id)).toEqual(['accounts.purchases', 'accounts.payments']);
    await others.settings.change(two.id, { accounts: { purchases: '300', payments: null } });
    expect(await mappingFaults(two.id)).toEqual([]);
  });

  it('needs nothing of a connection that only imports', async () => {
    const { mirror, ...others } = ports();
    const one = await connection('import');
    await mirrorChart(mirror, one, answers);
    expect(await createMappingActivities(others).mappingFaults(one.id)).toEqual([]);
  });

  it('says of a fault only what kind it was, and asks Temporal to try again', async () => {
    const broken = {
      ...ports(),
      charts: { of: () => Promise.reject(new TypeError('Marama Limited is not an object')) },
    };
    const two = await connection('two-way');
    const failure = await createMappingActivities(broken)
      .mappingFaults(two.id)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'fault', message: 'internal error TypeError', nonRetryable: false });
  });
});
