/**
 * What is left of a deleted company: keyed hashes that say nothing to a reader, and by which the same company stays bound
 * to its organisation and its Sync From Date, and no other company gets the organisation (rules.md, "Who is connected to
 * whom"). The key stands sealed in its own row: a copy of the database cannot try company ids against the hashes.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { ConnectionCode } from '../domain/codes.js';
import type { Sealing } from './sealing.js';

export type SyncBy = 'company' | 'locations';

interface Dated {
  sync_from_date_chosen: boolean;
  sync_from_date: string | null;
}

export interface Tombstones {
  /** May this connection have this organisation, for all that deleted companies left? Null: it may. */
  verdict(
    client: PoolClient,
    connectionId: string,
    connection: { company_id: string; sync_by: SyncBy } & Dated,
    organisationId: string,
  ): Promise<ConnectionCode | null>;
  /** Did the company, while it was here before, sync the other way? */
  refusesWay(client: PoolClient, companyId: string, syncBy: SyncBy): Promise<boolean>;
  /** Was another Sync From Date set for one of these places before? `locations` null is the whole company. */
  refusesDate(
    client: PoolClient,
    companyId: string,
    locations: readonly string[] | null,
    date: string | null,
  ): Promise<boolean>;
  /**
   * Buries every bound connection of a company, and every payment that was attempted. May be repeated. What an earlier deletion left is kept, and a Sync From
   * Date that was chosen only after it is added.
   */
  bury(pool: Pool, companyId: string): Promise<void>;
  /** Those of these payments that were attempted while a deleted company had the organisation. */
  buriedPayments(
    client: Pick<PoolClient, 'query'>,
    organisationId: string,
    xeroPaymentIds: readonly string[],
  ): Promise<Set<string>>;
}

/** Binds the sealed key to its place. */
export const tombstoneKeyContext = 'tombstone key';
/** Where no location's id can be. */
const wholeCompany = '\n';
/** Payments that are hashed and buried at once. */
const paymentBatch = 5000;

export function createTombstones(sealing: Sealing): Tombstones {
  const open = (row: { sealed_key: Buffer } | undefined): Buffer | null =>
    row === undefined ? null : Buffer.from(sealing.open(row.sealed_key, tombstoneKeyContext), 'base64');

  /** Null while nothing was ever buried. */
  const keyOf = async (client: Pick<PoolClient, 'query'>): Promise<Buffer | null> =>
    open((await client.query<{ sealed_key: Buffer }>('SELECT sealed_key FROM tombstone_key')).rows[0]);

  const keyForEver = async (client: Pick<PoolClient, 'query'>): Promise<Buffer> => {
    const fresh = sealing.seal(randomBytes(32).toString('base64'), tombstoneKeyContext);
    await client.query('INSERT INTO tombstone_key (sealed_key) VALUES ($1) ON CONFLICT DO NOTHING', [fresh]);
    return (await keyOf(client)) as Buffer;
  };

  return {
    async verdict(client, connectionId, connection, organisationId) {
      const key = await keyOf(client);
      if (key === null) return null;
      const { rows } = await client.query<Buried>(
        `SELECT company_hash, place_hash, organisation_hash FROM tombstone WHERE company_hash = $1 OR organisation_hash = $2`,
        [hash(key, 'company', connection.company_id), hash(key, 'organisation', organisationId)],
      );
      const places = await placesOf(client, connectionId, connection.sync_by);
      return verdictOf(rows, key, connection.company_id, places, organisationId);
    },

    async refusesWay(client, companyId, syncBy) {
      const key = await keyOf(client);
      if (key === null) return false;
      const { rows } = await client.query('SELECT FROM tombstone WHERE company_hash = $1 AND sync_by <> $2', [
        hash(key, 'company', companyId),
        syncBy,
      ]);
      return rows.length > 0;
    },

    async refusesDate(client, companyId, locations, date) {
      const key = await keyOf(client);
      if (key === null) return false;
      const { rows } = await client.query(
        `SELECT FROM tombstone WHERE company_hash = $1 AND place_hash = ANY ($2) AND sync_from_date_hash <> $3`,
        [
          hash(key, 'company', companyId),
          (locations ?? [wholeCompany]).map((place) => hash(key, 'place', place)),
          hash(key, 'date', date ?? ''),
        ],
      );
      return rows.length > 0;
    },

    async bury(pool, companyId) {
      const { rows } = await pool.query<Dated & { id: string; sync_by: SyncBy; organisation_id: string }>(
        `SELECT id, sync_by, organisation_id, sync_from_date_chosen, sync_from_date::text AS sync_from_date
           FROM connection WHERE company_id = $1 AND organisation_id IS NOT NULL`,
        [companyId],
      );
      if (rows.length === 0) return;
      const key = await keyForEver(pool);
      for (const connection of rows) {
        const places = await placesOf(pool, connection.id, connection.sync_by);
        await pool.query(
          `INSERT INTO tombstone (company_hash, place_hash, sync_by, organisation_hash, sync_from_date_hash)
           SELECT $1, place, $3, $4, $5 FROM unnest($2::bytea[]) AS place
           ON CONFLICT (company_hash, place_hash) DO UPDATE
             SET sync_from_date_hash = coalesce(tombstone.sync_from_date_hash, excluded.sync_from_date_hash)`,
          [
            hash(key, 'company', companyId),
            places.map((place) => hash(key, 'place', place)),
            connection.sync_by,
            hash(key, 'organisation', connection.organisation_id),
            connection.sync_from_date_chosen ? hash(key, 'date', connection.sync_from_date ?? '') : null,
          ],
        );
      }
      await buryPayments(pool, key, companyId);
    },

    async buriedPayments(client, organisationId, xeroPaymentIds) {
      const key = xeroPaymentIds.length === 0 ? null : await keyOf(client);
      if (key === null) return new Set();
      const ids = new Map(xeroPaymentIds.map((id) => [paymentHash(key, organisationId, id).toString('hex'), id]));
      const { rows } = await client.query<{ hash: string }>(
        `SELECT encode(hash, 'hex') AS hash FROM tombstone_payment WHERE hash = ANY (SELECT decode(each, 'hex') FROM unnest($1::text[]) AS each)`,
        [[...ids.keys()]],
      );
      return new Set(rows.map((row) => ids.get(row.hash) as string));
    },
  };
}

/** All that were claimed, or that only a person may decide about: none of them is ever attempted again. */
async function buryPayments(pool: Pool, key: Buffer, companyId: string): Promise<void> {
  for (let after = ['00000000-0000-0000-0000-000000000000', '']; ; ) {
    const { rows } = await pool.query<{ organisation_id: string; xero_payment_id: string }>(
      `SELECT organisation_id, xero_payment_id FROM payment_import
        WHERE company_id = $1 AND state IN ('claimed', 'imported', 'failed', 'resolved')
          AND (organisation_id, xero_payment_id) > ($2::uuid, $3)
        ORDER BY organisation_id, xero_payment_id LIMIT ${paymentBatch}`,
      [companyId, ...after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    const hashes = rows.map((row) => paymentHash(key, row.organisation_id, row.xero_payment_id));
    await pool.query('INSERT INTO tombstone_payment (hash) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING', [
      hashes,
    ]);
    after = [last.organisation_id, last.xero_payment_id];
  }
}

const paymentHash = (key: Buffer, organisationId: string, xeroPaymentId: string): Buffer =>
  hash(key, 'payment', `${organisationId} ${xeroPaymentId}`);

interface Buried {
  company_hash: Buffer;
  place_hash: Buffer;
  organisation_hash: Buffer;
}

function verdictOf(
  buried: readonly Buried[],
  key: Buffer,
  companyId: string,
  places: readonly string[],
  organisationId: string,
): ConnectionCode | null {
  const company = hash(key, 'company', companyId);
  const organisation = hash(key, 'organisation', organisationId);
  const own = buried.filter(({ company_hash }) => company_hash.equals(company));
  if (buried.length > own.length) return 'organisation_taken';
  const held = places.map((place) => hash(key, 'place', place));
  const samePlace = own.filter(({ place_hash }) => held.some((place) => place.equals(place_hash)));
  return samePlace.every(({ organisation_hash }) => organisation_hash.equals(organisation))
    ? null
    : 'organisation_mismatch';
}

async function placesOf(client: Pick<PoolClient, 'query'>, connectionId: string, syncBy: SyncBy): Promise<string[]> {
  if (syncBy === 'company') return [wholeCompany];
  const { rows } = await client.query<{ id: string }>('SELECT id FROM location WHERE connection_id = $1', [
    connectionId,
  ]);
  return rows.map(({ id }) => id);
}

function hash(key: Buffer, kind: string, value: string): Buffer {
  return createHmac('sha256', key).update(`${kind}:${value}`).digest();
}
