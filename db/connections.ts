/** Connections: the link of a company to one organisation of Xero's. Unique keys hold what must not happen twice. */
import type { Pool, PoolClient } from 'pg';
import type { ConnectionCode } from '../domain/codes.js';
import { type ConnectionStatus, connectionMoves, type Direction, mayMove } from '../domain/connection.js';
import type { Connection, Connections, OrganisationFacts } from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import { instant, keyOf, listed, uuid } from './cursors.js';
import { inTransaction } from './pool.js';

interface ConnectionRow {
  id: string;
  company_id: string;
  direction: Direction;
  status: ConnectionStatus;
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
}

/** A calendar date is read as text: pg would make it midnight of whatever zone this process runs in. */
const selection = `
  SELECT c.id, c.company_id, c.direction, c.status, c.grant_id, c.sync_from_date_chosen,
         c.sync_from_date::text AS sync_from_date, c.optional_streams, c.sleeping_until, c.last_successful_sync_at, c.last_error_code,
         c.last_error_at, c.created_at, c.created_at::text AS created_key, c.backfilled_at,
         o.id AS organisation_id, o.name AS organisation_name, o.base_currency, o.time_zone, o.country_code
  FROM connection c LEFT JOIN organisation o ON o.id = c.organisation_id`;

/** Statuses in which a consent may still bind an organisation, or bring back the one that was bound. */
const consentable: ReadonlySet<ConnectionStatus> = new Set([
  'pending',
  'choosingOrganisation',
  'authFailed',
  'disconnected',
]);

export function createConnections(pool: Pool): Connections {
  return {
    async create(connection) {
      const { id, companyId, direction, syncFromDate } = connection;
      const inserted = await pool.query(
        `INSERT INTO connection (id, company_id, direction, sync_from_date_chosen, sync_from_date)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (company_id) DO NOTHING`,
        [id, companyId, direction, syncFromDate.chosen, syncFromDate.date],
      );
      if (inserted.rowCount === 1) return { created: true };
      const existing = await pool.query<{ id: string }>('SELECT id FROM connection WHERE company_id = $1', [companyId]);
      // Deleted between the two statements: then this one may be made after all.
      return existing.rows[0] === undefined
        ? this.create(connection)
        : { created: false, existingId: existing.rows[0].id };
    },

    async get(id) {
      const { rows } = await pool.query<ConnectionRow>(`${selection} WHERE c.id = $1`, [id]);
      return rows[0] === undefined ? null : connectionOf(rows[0]);
    },

    async list(page) {
      const after = keyOf(page.cursor, [instant, uuid]);
      const { rows } = await pool.query<ConnectionRow>(
        `${selection}
         WHERE ($1::timestamptz IS NULL OR (c.created_at, c.id) > ($1, $2::uuid))
           AND ($3::text IS NULL OR c.company_id = $3)
           AND ($4::text IS NULL OR c.status = $4)
           AND ($5::text IS NULL OR c.last_error_code = $5)
         ORDER BY c.created_at, c.id LIMIT $6`,
        [
          after?.[0] ?? null,
          after?.[1] ?? null,
          page.company ?? null,
          page.status ?? null,
          page.lastError ?? null,
          page.limit + 1,
        ],
      );
      return listed(rows, page, connectionOf, (row) => [row.created_key, row.id]);
    },

    move: (id, to) =>
      inTransaction(pool, async (client) => {
        const locked = await lock(client, id);
        if (locked === null || !mayMove(locked.status, to)) return false;
        await setStatus(client, id, to);
        return true;
      }),

    async chooseSyncFromDate(id, date) {
      const { rowCount } = await pool.query(
        `UPDATE connection SET sync_from_date_chosen = true, sync_from_date = $2
         WHERE id = $1 AND NOT sync_from_date_chosen`,
        [id, date],
      );
      return rowCount === 1;
    },

    offerOrganisations: (id, grantId, organisations) =>
      inTransaction(pool, async (client) => {
        const locked = await lock(client, id);
        if (locked === null || locked.organisation_id !== null || !consentable.has(locked.status)) {
          await forgetUnusedGrant(client, grantId);
          return false;
        }
        await client.query(`UPDATE connection SET status = 'choosingOrganisation', grant_id = $2 WHERE id = $1`, [
          id,
          grantId,
        ]);
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
      inTransaction(pool, async (client) => {
        const outcome = await bind(client, id, organisation, grantId);
        if (outcome === 'bound') return outcome;
        await forgetUnusedGrant(client, grantId);
        await client.query('DELETE FROM offered_organisation WHERE connection_id = $1 AND tenant_id = $2', [
          id,
          organisation.tenantId,
        ]);
        return outcome;
      }),

    async usesXeroConnection(xeroConnectionId, id) {
      const { rows } = await pool.query<{ used: boolean }>(
        `SELECT EXISTS (SELECT FROM connection WHERE xero_connection_id = $1)
             OR EXISTS (SELECT FROM offered_organisation WHERE xero_connection_id = $1 AND connection_id <> $2) AS used`,
        [xeroConnectionId, id],
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

    async recordError(id, code) {
      await pool.query('UPDATE connection SET last_error_code = $2, last_error_at = clock_timestamp() WHERE id = $1', [
        id,
        code,
      ]);
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

interface Locked {
  company_id: string;
  status: ConnectionStatus;
  organisation_id: string | null;
  grant_id: string | null;
  backfilled_at: Date | null;
}

/** The connection's row, kept from others until the transaction ends. */
async function lock(client: PoolClient, id: string): Promise<Locked | null> {
  const { rows } = await client.query<Locked>(
    'SELECT company_id, status, organisation_id, grant_id, backfilled_at FROM connection WHERE id = $1 FOR UPDATE',
    [id],
  );
  return rows[0] ?? null;
}

/** `active` is reached for the first time when the first full read is done, which is remembered for good. */
async function setStatus(client: PoolClient, id: string, to: ConnectionStatus): Promise<void> {
  await client.query(
    `UPDATE connection
     SET status = $2,
         backfilled_at = CASE WHEN $2 = 'active' THEN coalesce(backfilled_at, clock_timestamp()) ELSE backfilled_at END
     WHERE id = $1`,
    [id, to],
  );
}

async function bind(
  client: PoolClient,
  id: string,
  organisation: { tenantId: string; name: string; xeroConnectionId: string },
  grantId: string,
): Promise<'bound' | ConnectionCode> {
  const locked = await lock(client, id);
  if (locked === null) return 'organisation_mismatch';
  if (locked.organisation_id !== null && locked.organisation_id !== organisation.tenantId) {
    return 'organisation_mismatch';
  }
  if (!(await claimOrganisation(client, locked.company_id, organisation))) return 'organisation_taken';
  await client.query(
    'UPDATE connection SET organisation_id = $2, xero_connection_id = $3, grant_id = $4 WHERE id = $1',
    [id, organisation.tenantId, organisation.xeroConnectionId, grantId],
  );
  await setStatus(client, id, statusAfterConsent(locked));
  await client.query('DELETE FROM offered_organisation WHERE connection_id = $1', [id]);
  if (locked.grant_id !== null && locked.grant_id !== grantId) await forgetUnusedGrant(client, locked.grant_id);
  return 'bound';
}

/**
 * An organisation belongs to the first company that bound it, for good. Of many at once, Postgres lets one insert the row;
 * the others wait for it here and then see whose it is.
 */
async function claimOrganisation(
  client: PoolClient,
  companyId: string,
  organisation: { tenantId: string; name: string },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE organisation.company_id = excluded.company_id`,
    [organisation.tenantId, companyId, organisation.name],
  );
  return rowCount === 1;
}

function statusAfterConsent(connection: Locked): ConnectionStatus {
  if (!consentable.has(connection.status)) return connection.status;
  const next: ConnectionStatus = connection.backfilled_at === null ? 'syncingContacts' : 'active';
  return connectionMoves[connection.status].includes(next) ? next : connection.status;
}

/** Tokens that serve nobody are not kept. */
async function forgetUnusedGrant(client: PoolClient, grantId: string): Promise<void> {
  await client.query(
    'DELETE FROM oauth_grant g WHERE g.id = $1 AND NOT EXISTS (SELECT FROM connection WHERE grant_id = g.id)',
    [grantId],
  );
}

function connectionOf(row: ConnectionRow): Connection {
  return {
    id: row.id,
    companyId: row.company_id,
    direction: row.direction,
    status: row.status,
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
  };
}
