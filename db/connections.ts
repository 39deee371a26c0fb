/** Connections: the link of a company to one organisation of Xero's. Unique keys hold what must not happen twice. */
import type { Pool, PoolClient } from 'pg';
import type { ConnectionCode } from '../domain/codes.js';
import { type ConnectionStatus, type Direction, isUnbound, mayMove, waitsForPerson } from '../domain/connection.js';
import type { Connection, Connections, LinkToEnd, NotCreated, OrganisationFacts } from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { bind, closeRuns, forgetUnusedGrant, lock, lockForGood, setStatus, tellStatus } from './binding.js';
import { instant, keyOf, listed, uuid } from './cursors.js';
import { telling } from './feed.js';
import { inTransaction } from './pool.js';
import type { Tombstones } from './tombstones.js';

interface ConnectionRow {
  id: string;
  company_id: string;
  direction: Direction;
  status: ConnectionStatus;
  paused: boolean;
  locations: string[] | null;
  organisation_id: string | null;
  organisation_name: string | null;
  base_currency: string | null;
  time_zone: string | null;
  country_code: string | null;
  grant_id: string | null;
  sync_from_date_chosen: boolean;
  sync_from_date: string | null;
  optional_streams: StreamName[];
  sleeping_until: Date | null;
  last_successful_sync_at: Date | null;
  last_error_code: ConnectionCode | null;
  last_error_at: Date | null;
  created_at: Date;
  created_key: string;
  backfilled_at: Date | null;
  second_look_at: Date | null;
}

/**
 * A calendar date is read as text: pg would make it midnight of whatever zone this process runs in. What belongs to a
 * company that is being deleted is gone for whoever asks.
 */
const selection = `
  SELECT c.id, c.company_id, c.direction, c.status, c.paused_at IS NOT NULL AS paused, c.grant_id,
         CASE WHEN c.sync_by = 'locations'
           THEN ARRAY(SELECT location.id FROM location WHERE location.connection_id = c.id ORDER BY location.id) END AS locations,
         c.sync_from_date_chosen,
         c.sync_from_date::text AS sync_from_date, c.optional_streams, c.sleeping_until, c.last_successful_sync_at, c.last_error_code,
         c.last_error_at, c.created_at, c.created_at::text AS created_key, c.backfilled_at, c.second_look_at,
         o.id AS organisation_id, o.name AS organisation_name, o.base_currency, o.time_zone, o.country_code
  FROM connection c JOIN company ON company.id = c.company_id AND company.deleting_at IS NULL
       LEFT JOIN organisation o ON o.id = c.organisation_id`;

/** Those that wait for a person, and those whose last work did not end well. */
const wantsAttention = `(c.last_error_code IS NOT NULL OR c.status = ANY ('{${waitsForPerson.join(',')}}'))`;

export function createConnections(pool: Pool, tombstones: Tombstones): Connections {
  return {
    create: (connection) => inTransaction(pool, (client) => create(client, tombstones, connection)),

    async get(id) {
      // Named, so that it is planned once for each connection to Postgres: a sync asks for it many times.
      const byId = { name: 'connection-get', text: `${selection} WHERE c.id = $1`, values: [id] };
      const { rows } = await pool.query<ConnectionRow>(byId);
      return rows[0] === undefined ? null : connectionOf(rows[0]);
    },

    async list(page) {
      const after = keyOf(page.cursor, [instant, uuid]);
      const { rows } = await pool.query<ConnectionRow>(
        `${selection}
         WHERE ($1::timestamptz IS NULL OR (c.created_at, c.id) > ($1, $2::uuid))
           AND ($3::text IS NULL OR c.company_id = $3)
           AND ($4::text IS NULL OR ${shown} = $4)
           AND ($5::text IS NULL OR c.last_error_code = $5)
           AND ($6::boolean IS NULL OR ${wantsAttention} = $6)
         ORDER BY c.created_at, c.id LIMIT $7`,
        [
          after?.[0] ?? null,
          after?.[1] ?? null,
          page.company ?? null,
          page.status ?? null,
          page.lastError ?? null,
          page.attention ?? null,
          page.limit + 1,
        ],
      );
      return listed(rows, page, connectionOf, (row) => [row.created_key, row.id]);
    },

    async ofCompany(companyId) {
      const { rows } = await pool.query<{ id: string }>('SELECT id FROM connection WHERE company_id = $1 ORDER BY id', [
        companyId,
      ]);
      return rows.map(({ id }) => id);
    },

    moveByRun: (id, runId, to) =>
      telling(pool, async (client, tell) => {
        const locked = await lock(client, id);
        if (locked === null || !mayMove('worked', locked.status, to)) return false;
        const { rows } = await client.query('SELECT FROM run WHERE run_id = $1 AND ended_at IS NULL', [runId]);
        if (rows.length === 0) return false;
        await setStatus(client, tell, locked, to);
        return true;
      }),

    refused: (id, grantId) =>
      telling(pool, async (client, tell) => {
        const locked = await lock(client, id);
        if (locked === null || locked.grant_id !== grantId || !mayMove('refused', locked.status, 'authFailed')) {
          return false;
        }
        await setStatus(client, tell, locked, 'authFailed');
        return true;
      }),

    removeUnbound: (id) => inTransaction(pool, (client) => removeUnbound(client, id)),

    disconnect: (id) =>
      telling(pool, async (client, tell) => {
        const locked = await lock(client, id);
        if (locked?.status === 'disconnected') return true;
        if (locked === null || !mayMove('disconnected', locked.status, 'disconnected')) return false;
        await setStatus(client, tell, locked, 'disconnected');
        await closeRuns(client, id);
        return true;
      }),

    async linksToEnd(id) {
      const { rows } = await pool.query<{ id: string; xero_connection_id: string; grant_id: string }>(
        `SELECT id, xero_connection_id, grant_id FROM connection
          WHERE status = 'disconnected' AND xero_connection_id IS NOT NULL AND grant_id IS NOT NULL
            AND ($1::uuid IS NULL OR id = $1) ORDER BY id`,
        [id],
      );
      return rows.map((row) => ({
        connectionId: row.id,
        xeroConnectionId: row.xero_connection_id,
        grantId: row.grant_id,
      }));
    },

    linkEnded: (link) => inTransaction(pool, (client) => forgetLink(client, link)),

    setPaused: (id, paused) =>
      telling(pool, async (client, tell) => {
        const locked = await lock(client, id);
        if (locked === null) return;
        await client.query(
          `UPDATE connection SET paused_at = CASE WHEN $2 THEN coalesce(paused_at, clock_timestamp()) END WHERE id = $1`,
          [id, paused],
        );
        tellStatus(tell, locked, { status: locked.status, paused });
      }),

    async withoutBackfill() {
      const { rows } = await pool.query<ConnectionRow>(
        `${selection} WHERE c.bound_at IS NOT NULL AND c.backfilled_at IS NULL AND c.status = 'syncingContacts'
           AND NOT EXISTS (SELECT FROM run WHERE run.connection_id = c.id AND run.started_at >= c.bound_at)`,
      );
      return rows.map(connectionOf);
    },

    chooseSyncFromDate: (id, date) =>
      inTransaction(pool, async (client) => {
        const locked = await lockForGood(client, id);
        if (locked === null || locked.sync_from_date_chosen) return false;
        const { rows } = await client.query<{ id: string }>('SELECT id FROM location WHERE connection_id = $1', [id]);
        const places = locked.sync_by === 'company' ? null : rows.map((row) => row.id);
        if (await tombstones.refusesDate(client, locked.company_id, places, date)) return false;
        await client.query('UPDATE connection SET sync_from_date_chosen = true, sync_from_date = $2 WHERE id = $1', [
          id,
          date,
        ]);
        return true;
      }),

    offerOrganisations: (id, grantId, organisations) =>
      telling(pool, async (client, tell) => {
        const locked = await lockForGood(client, id);
        if (locked === null || !mayMove('offered', locked.status, 'choosingOrganisation')) {
          await forgetUnusedGrant(client, grantId);
          return false;
        }
        await setStatus(client, tell, locked, 'choosingOrganisation');
        await client.query('UPDATE connection SET grant_id = $2 WHERE id = $1', [id, grantId]);
        await client.query('DELETE FROM offered_organisation WHERE connection_id = $1', [id]);
        await client.query(
          `INSERT INTO offered_organisation (connection_id, tenant_id, name, xero_connection_id)
           SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::uuid[])`,
          [
            id,
            organisations.map((organisation) => organisation.tenantId),
            organisations.map((organisation) => organisation.name),
            organisations.map((organisation) => organisation.xeroConnectionId),
          ],
        );
        if (locked.grant_id !== null) await forgetUnusedGrant(client, locked.grant_id);
        return true;
      }),

    async offeredOrganisations(id) {
      const { rows } = await pool.query<{ tenant_id: string; name: string; xero_connection_id: string }>(
        'SELECT tenant_id, name, xero_connection_id FROM offered_organisation WHERE connection_id = $1 ORDER BY name',
        [id],
      );
      return rows.map((row) => ({ tenantId: row.tenant_id, name: row.name, xeroConnectionId: row.xero_connection_id }));
    },

    bindOrganisation: (id, organisation, grantId) =>
      telling(pool, async (client, tell) => {
        const outcome = await bind(client, tell, tombstones, id, organisation, grantId);
        if (outcome === 'bound') return outcome;
        await forgetUnusedGrant(client, grantId);
        await client.query('DELETE FROM offered_organisation WHERE connection_id = $1 AND tenant_id = $2', [
          id,
          organisation.tenantId,
        ]);
        return outcome;
      }),

    async usesXeroConnection(xeroConnectionId) {
      const { rows } = await pool.query<{ used: boolean }>(
        `SELECT EXISTS (SELECT FROM connection WHERE xero_connection_id = $1)
             OR EXISTS (SELECT FROM offered_organisation WHERE xero_connection_id = $1) AS used`,
        [xeroConnectionId],
      );
      return rows[0]?.used === true;
    },

    async saveOrganisationFacts(organisationId: string, facts: OrganisationFacts) {
      await pool.query(
        'UPDATE organisation SET name = $2, base_currency = $3, time_zone = $4, country_code = $5 WHERE id = $1',
        [organisationId, facts.name, facts.baseCurrency, facts.timeZone, facts.countryCode],
      );
    },

    async setSleeping(id, until) {
      await pool.query('UPDATE connection SET sleeping_until = $2 WHERE id = $1', [id, until]);
    },

    recordError: (id, code) =>
      telling(pool, async (client, tell) => {
        const { rows } = await client.query<{ company_id: string }>(
          'UPDATE connection SET last_error_code = $2, last_error_at = clock_timestamp() WHERE id = $1 RETURNING company_id',
          [id, code],
        );
        for (const { company_id: companyId } of rows) {
          tell({ type: 'connection.failed', companyId, connectionId: id, data: { code } });
        }
      }),

    async noteSecondLook(id) {
      await pool.query('UPDATE connection SET second_look_at = clock_timestamp() WHERE id = $1', [id]);
    },

    async recordSuccess(id) {
      await pool.query(
        `UPDATE connection
         SET last_successful_sync_at = clock_timestamp(), last_error_code = NULL, last_error_at = NULL
         WHERE id = $1`,
        [id],
      );
    },
  };
}

/** As people see it (`shownStatus`). */
const shown = `CASE WHEN c.paused_at IS NOT NULL AND c.organisation_id IS NOT NULL
                     AND c.status NOT IN ('authFailed', 'disconnected') THEN 'paused' ELSE c.status END`;

type NewConnection = Parameters<Connections['create']>[0];

/** Under the company's lock, so that of many at once one is made; the keys of the tables say the same. */
async function create(
  client: PoolClient,
  tombstones: Tombstones,
  connection: NewConnection,
): Promise<{ created: true } | NotCreated> {
  const { id, companyId, direction, locations, syncFromDate } = connection;
  const wanted = locations === null ? 'company' : 'locations';
  const { rows } = await client.query<{ sync_by: string | null }>(
    'SELECT sync_by FROM company WHERE id = $1 AND deleting_at IS NULL FOR UPDATE',
    [companyId],
  );
  if (rows[0] === undefined) return { created: false, because: 'companyGone' };
  const existing = await existingConnection(client, companyId, locations);
  if (existing !== null) return existing;
  const otherWay = (rows[0].sync_by ?? wanted) !== wanted || (await tombstones.refusesWay(client, companyId, wanted));
  if (otherWay) return { created: false, because: 'otherWay' };
  if (syncFromDate.chosen && (await tombstones.refusesDate(client, companyId, locations, syncFromDate.date))) {
    return { created: false, because: 'otherSyncFromDate' };
  }
  await client.query('UPDATE company SET sync_by = $2 WHERE id = $1', [companyId, wanted]);
  await client.query(
    `INSERT INTO connection (id, company_id, sync_by, direction, sync_from_date_chosen, sync_from_date)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [id, companyId, wanted, direction, syncFromDate.chosen, syncFromDate.date],
  );
  await client.query('UPDATE location SET connection_id = $3 WHERE company_id = $1 AND id = ANY ($2)', [
    companyId,
    locations ?? [],
    id,
  ]);
  return { created: true };
}

/** What stands in the way: the connection of the whole company, or of one of the locations; or locations unknown. */
async function existingConnection(
  client: PoolClient,
  companyId: string,
  locations: readonly string[] | null,
): Promise<NotCreated | null> {
  if (locations === null) {
    const whole = `SELECT id FROM connection WHERE company_id = $1 AND sync_by = 'company'`;
    const { rows } = await client.query<{ id: string }>(whole, [companyId]);
    return rows[0] === undefined ? null : { created: false, existingId: rows[0].id };
  }
  const { rows } = await client.query<{ id: string; connection_id: string | null }>(
    'SELECT id, connection_id FROM location WHERE company_id = $1 AND id = ANY ($2)',
    [companyId, locations],
  );
  const unknown = locations.filter((location) => !rows.some(({ id }) => id === location));
  if (unknown.length > 0) return { created: false, because: 'unknownLocations', locations: unknown };
  const existingId = rows.find(({ connection_id }) => connection_id !== null)?.connection_id ?? null;
  return existingId === null ? null : { created: false, existingId };
}

async function removeUnbound(client: PoolClient, id: string): Promise<boolean> {
  const locked = await lock(client, id);
  if (locked === null || !isUnbound(locked.status)) return false;
  await client.query('UPDATE location SET connection_id = NULL WHERE connection_id = $1', [id]);
  await client.query('DELETE FROM connection WHERE id = $1', [id]);
  if (locked.grant_id !== null) await forgetUnusedGrant(client, locked.grant_id);
  await client.query(
    `UPDATE company SET sync_by = NULL
      WHERE id = $1 AND NOT EXISTS (SELECT FROM connection WHERE company_id = $1)`,
    [locked.company_id],
  );
  return true;
}

/** A consent given meanwhile has brought a link of its own, which stays. */
async function forgetLink(client: PoolClient, { connectionId, xeroConnectionId, grantId }: LinkToEnd): Promise<void> {
  await client.query(
    `UPDATE connection SET xero_connection_id = NULL, grant_id = NULL
      WHERE id = $1 AND status = 'disconnected' AND xero_connection_id = $2 AND grant_id = $3`,
    [connectionId, xeroConnectionId, grantId],
  );
  await forgetUnusedGrant(client, grantId);
}

function connectionOf(row: ConnectionRow): Connection {
  return {
    id: row.id,
    companyId: row.company_id,
    direction: row.direction,
    status: row.status,
    paused: row.paused,
    locations: row.locations,
    organisation:
      row.organisation_id === null
        ? null
        : {
            id: row.organisation_id,
            name: row.organisation_name ?? '',
            baseCurrency: row.base_currency,
            timeZone: row.time_zone,
            countryCode: row.country_code,
          },
    grantId: row.grant_id,
    syncFromDate: { chosen: row.sync_from_date_chosen, date: row.sync_from_date },
    optionalStreams: row.optional_streams,
    sleepingUntil: row.sleeping_until?.toISOString() ?? null,
    lastSuccessfulSyncAt: row.last_successful_sync_at?.toISOString() ?? null,
    lastError:
      row.last_error_code === null || row.last_error_at === null
        ? null
        : { code: row.last_error_code, at: row.last_error_at.toISOString() },
    createdAt: row.created_at.toISOString(),
    backfilledAt: row.backfilled_at?.toISOString() ?? null,
    secondLookAt: row.second_look_at?.toISOString() ?? null,
  };
}
