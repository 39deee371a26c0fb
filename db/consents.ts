/** Consents under way: the state that Xero hands back is stored only as a hash, the PKCE verifier only sealed. */
import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { Consents } from '../domain/ports.js';
import type { Sealing } from './sealing.js';

interface ConsentRow {
  connection_id: string;
  sealed_verifier: Buffer;
  return_url: string | null;
}

export function createConsents(pool: Pool, sealing: Sealing): Consents {
  return {
    async open(consent) {
      const stateHash = hashOf(consent.state);
      await pool.query(
        `INSERT INTO consent (state_hash, connection_id, sealed_verifier, return_url, expires_at)
         VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')`,
        [
          stateHash,
          consent.connectionId,
          sealing.seal(consent.codeVerifier, consentContext(stateHash)),
          consent.returnUrl,
          consent.lifetimeMs,
        ],
      );
    },

    async use(state) {
      const stateHash = hashOf(state);
      const { rows } = await pool.query<ConsentRow>(
        `UPDATE consent SET used_at = clock_timestamp()
         WHERE state_hash = $1 AND used_at IS NULL AND expires_at > clock_timestamp()
         RETURNING connection_id, sealed_verifier, return_url`,
        [stateHash],
      );
      const [row] = rows;
      if (row === undefined) return null;
      return {
        connectionId: row.connection_id,
        codeVerifier: sealing.open(row.sealed_verifier, consentContext(stateHash)),
        returnUrl: row.return_url,
      };
    },

    async forgetEnded(endedMsAgo) {
      const { rowCount } = await pool.query(
        `DELETE FROM consent WHERE expires_at < clock_timestamp() - $1 * interval '1 millisecond'`,
        [endedMsAgo],
      );
      return rowCount ?? 0;
    },
  };
}

function hashOf(state: string): Buffer {
  return createHash('sha256').update(state).digest();
}

/** Binds a sealed verifier to its row: copied into another one it does not open. */
export function consentContext(stateHash: Buffer): string {
  return `consent:${stateHash.toString('hex')}`;
}
