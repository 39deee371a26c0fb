/** Consents given and their token sets: sealed, saved only over the version that was read, refreshed by one at a time. */
import type { Pool } from 'pg';
import type { ConnectionCode } from '../domain/codes.js';
import { connectionMoves } from '../domain/connection.js';
import type { Grants, TokenSet } from '../domain/ports.js';
import { telling } from './feed.js';
import type { Sealing } from './sealing.js';

interface GrantRow {
  sealed_tokens: Buffer;
  access_token_expires_at: Date;
  version: number;
  died_at: Date | null;
}

/** @throws pg's errors when Postgres is away; an Error when tokens were sealed with a key that is not there any more. */
export function createGrants(pool: Pool, sealing: Sealing): Grants {
  const sealed = (id: string, { accessToken, refreshToken }: TokenSet): Buffer =>
    sealing.seal(JSON.stringify({ accessToken, refreshToken }), grantContext(id));

  return {
    async create({ id, tokens, scopes }) {
      await pool.query(
        'INSERT INTO oauth_grant (id, sealed_tokens, scopes, access_token_expires_at) VALUES ($1, $2, $3, $4)',
        [id, sealed(id, tokens), scopes, tokens.expiresAt],
      );
    },

    async load(grantId) {
      const { rows } = await pool.query<GrantRow>(
        'SELECT sealed_tokens, access_token_expires_at, version, died_at FROM oauth_grant WHERE id = $1',
        [grantId],
      );
      const [row] = rows;
      if (row === undefined) return null;
      const tokens = JSON.parse(sealing.open(row.sealed_tokens, grantContext(grantId))) as Omit<TokenSet, 'expiresAt'>;
      return {
        id: grantId,
        tokens: { ...tokens, expiresAt: row.access_token_expires_at.toISOString() },
        version: row.version,
        alive: row.died_at === null,
      };
    },

    async takeRefreshLease(grantId, versionRead, leaseMs) {
      const { rowCount } = await pool.query(
        `UPDATE oauth_grant SET refresh_lease_until = clock_timestamp() + $3 * interval '1 millisecond'
         WHERE id = $1 AND version = $2 AND died_at IS NULL
           AND (refresh_lease_until IS NULL OR refresh_lease_until <= clock_timestamp())`,
        [grantId, versionRead, leaseMs],
      );
      if (rowCount === 1) return 'taken';
      const { rows } = await pool.query('SELECT FROM oauth_grant WHERE id = $1 AND version = $2 AND died_at IS NULL', [
        grantId,
        versionRead,
      ]);
      return rows.length === 1 ? 'busy' : 'changed';
    },

    async saveTokens(grantId, versionRead, tokens) {
      const { rowCount } = await pool.query(
        `UPDATE oauth_grant SET sealed_tokens = $3, access_token_expires_at = $4, version = version + 1,
           refresh_lease_until = NULL, used_at = clock_timestamp()
         WHERE id = $1 AND version = $2 AND died_at IS NULL`,
        [grantId, versionRead, sealed(grantId, tokens), tokens.expiresAt],
      );
      return rowCount === 1;
    },

    async endRefreshLease(grantId, versionRead) {
      await pool.query('UPDATE oauth_grant SET refresh_lease_until = NULL WHERE id = $1 AND version = $2', [
        grantId,
        versionRead,
      ]);
    },

    async markDead(grantId, versionRead) {
      await pool.query(
        `UPDATE oauth_grant SET died_at = clock_timestamp(), refresh_lease_until = NULL
         WHERE id = $1 AND version = $2 AND died_at IS NULL`,
        [grantId, versionRead],
      );
    },

    async idle(idleMs) {
      // used_at is set when the refresh token is made, and Xero's 60 days begin then; sealing anew leaves it.
      const { rows } = await pool.query<{ id: string }>(
        `SELECT id FROM oauth_grant g
         WHERE died_at IS NULL AND used_at < clock_timestamp() - $1 * interval '1 millisecond'
           AND EXISTS (SELECT FROM connection WHERE grant_id = g.id AND status <> 'disconnected')
         ORDER BY used_at`,
        [idleMs],
      );
      return rows.map(({ id }) => id);
    },

    showDead: () =>
      telling(pool, async (client, tell) => {
        const code: ConnectionCode = 'xero_auth_failed';
        // One statement: a connection that is given a new grant at this moment is not taken for one of the dead grant's.
        const { rows } = await client.query<{ id: string; company_id: string }>(
          `UPDATE connection c SET status = 'authFailed', last_error_code = $1, last_error_at = clock_timestamp()
         FROM oauth_grant g
         WHERE g.id = c.grant_id AND g.died_at IS NOT NULL AND c.status = ANY ($2)
         RETURNING c.id, c.company_id`,
          [code, connectionMoves.refused.from],
        );
        for (const { id: connectionId, company_id: companyId } of rows) {
          tell({ type: 'connection.statusChanged', companyId, connectionId, data: { status: 'authFailed' } });
          tell({ type: 'connection.failed', companyId, connectionId, data: { code } });
        }
        return rows.length;
      }),

    async forgetUnused(olderThanMs) {
      const { rowCount } = await pool.query(
        `DELETE FROM oauth_grant g
         WHERE created_at < clock_timestamp() - $1 * interval '1 millisecond'
           AND NOT EXISTS (SELECT FROM connection WHERE grant_id = g.id)`,
        [olderThanMs],
      );
      return rowCount ?? 0;
    },
  };
}

/** Binds sealed tokens to their row. */
export function grantContext(grantId: string): string {
  return `grant:${grantId}`;
}
