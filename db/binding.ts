/** Binding an organisation to a connection, for good: what must not happen twice is held by keys and row locks. */
import type { PoolClient } from 'pg';
import type { ConnectionCode } from '../domain/codes.js';
import { type ConnectionStatus, mayMove, shownStatus } from '../domain/connection.js';
import type { ConsentedOrganisation } from '../domain/ports.js';
import type { Tell } from './feed.js';
import type { Tombstones } from './tombstones.js';

export interface Locked {
  id: string;
  company_id: string;
  sync_by: 'company' | 'locations';
  status: ConnectionStatus;
  paused: boolean;
  organisation_id: string | null;
  grant_id: string | null;
  backfilled_at: Date | null;
  sync_from_date_chosen: boolean;
  sync_from_date: string | null;
}

/** The connection's row, kept from others until the transaction ends. */
export async function lock(client: PoolClient, id: string): Promise<Locked | null> {
  const { rows } = await client.query<Locked>(
    `SELECT id, company_id, sync_by, status, paused_at IS NOT NULL AS paused, organisation_id, grant_id, backfilled_at,
            sync_from_date_chosen, sync_from_date::text AS sync_from_date
       FROM connection WHERE id = $1 FOR UPDATE`,
    [id],
  );
  return rows[0] ?? null;
}

/**
 * The same for what is to hold for good; null too when the company is being deleted: the tombstone would not know of it.
 * A deletion that begins meanwhile waits until the transaction ends.
 */
export async function lockForGood(client: PoolClient, id: string): Promise<Locked | null> {
  const locked = await lock(client, id);
  if (locked === null) return null;
  const { rows } = await client.query('SELECT FROM company WHERE id = $1 AND deleting_at IS NULL FOR SHARE', [
    locked.company_id,
  ]);
  return rows.length === 0 ? null : locked;
}

/** `active` is reached for the first time when the first full read is done, which is remembered for good. */
export async function setStatus(client: PoolClient, tell: Tell, from: Locked, to: ConnectionStatus): Promise<void> {
  await client.query(
    `UPDATE connection
     SET status = $2,
         backfilled_at = CASE WHEN $2 = 'active' THEN coalesce(backfilled_at, clock_timestamp()) ELSE backfilled_at END
     WHERE id = $1`,
    [from.id, to],
  );
  tellStatus(tell, from, { status: to, paused: from.paused });
}

/** Tells the status that people see, if it is another now. */
export function tellStatus(tell: Tell, from: Locked, to: Pick<Locked, 'status' | 'paused'>): void {
  const status = shownStatus(to.status, to.paused);
  if (status === shownStatus(from.status, from.paused)) return;
  tell({ type: 'connection.statusChanged', companyId: from.company_id, connectionId: from.id, data: { status } });
}

/** Runs that were in hand may not move the connection any more, whatever they still do. */
export async function closeRuns(client: PoolClient, id: string): Promise<void> {
  await client.query(
    `UPDATE run SET outcome = 'cancelled', ended_at = clock_timestamp() WHERE connection_id = $1 AND ended_at IS NULL`,
    [id],
  );
  await client.query('UPDATE connection SET sleeping_until = NULL WHERE id = $1', [id]);
}

/** In the caller's transaction. @returns `bound`, or why not. */
export async function bind(
  client: PoolClient,
  tell: Tell,
  tombstones: Tombstones,
  id: string,
  organisation: ConsentedOrganisation,
  grantId: string,
): Promise<'bound' | ConnectionCode> {
  const locked = await lockForGood(client, id);
  if (locked === null) return 'organisation_mismatch';
  if (locked.organisation_id !== null && locked.organisation_id !== organisation.tenantId) {
    return 'organisation_mismatch';
  }
  const buried = await tombstones.verdict(client, id, locked, organisation.tenantId);
  if (buried !== null) return buried;
  if (!(await claimOrganisation(client, locked.company_id, organisation))) return 'organisation_taken';
  if (await isConnectedElsewhere(client, id, organisation.tenantId)) return 'organisation_taken';
  await client.query(
    `UPDATE connection SET organisation_id = $2, xero_connection_id = $3, grant_id = $4, last_error_code = NULL,
            last_error_at = NULL WHERE id = $1`,
    [id, organisation.tenantId, organisation.xeroConnectionId, grantId],
  );
  await wake(client, tell, locked);
  await client.query('DELETE FROM offered_organisation WHERE connection_id = $1', [id]);
  if (locked.grant_id !== null && locked.grant_id !== grantId) await forgetUnusedGrant(client, locked.grant_id);
  return 'bound';
}

/** A connection that waited for the consent goes on; one that lives all along only has a new grant. */
async function wake(client: PoolClient, tell: Tell, locked: Locked): Promise<void> {
  const { id, status } = locked;
  const next = locked.backfilled_at === null ? 'syncingContacts' : 'active';
  if (!mayMove('bound', status, next)) return;
  await closeRuns(client, id);
  await setStatus(client, tell, locked, next);
  await client.query('UPDATE connection SET bound_at = clock_timestamp() WHERE id = $1', [id]);
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

/** Another location of the same company may hold it; the organisation's row, which the claim locked, settles who is first. */
async function isConnectedElsewhere(client: PoolClient, id: string, organisationId: string): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM connection WHERE organisation_id = $1 AND id <> $2', [
    organisationId,
    id,
  ]);
  return rows.length > 0;
}

/** Tokens that serve nobody are not kept. */
export async function forgetUnusedGrant(client: PoolClient, grantId: string): Promise<void> {
  await client.query(
    'DELETE FROM oauth_grant g WHERE g.id = $1 AND NOT EXISTS (SELECT FROM connection WHERE grant_id = g.id)',
    [grantId],
  );
}
