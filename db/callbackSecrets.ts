/** What signs the calls to a connection's callback: sealed, and known in the open only to the platform. */
import type { Pool } from 'pg';
import type { CallbackSecrets } from '../domain/ports.js';
import type { Sealing } from './sealing.js';

/** Binds a sealed secret to its connection. */
export const callbackSecretContext = (connectionId: string): string => `callback secret ${connectionId}`;

export function createCallbackSecrets(pool: Pool, sealing: Sealing): CallbackSecrets {
  return {
    async replace(connectionId, secret) {
      const { rowCount } = await pool.query('UPDATE connection SET sealed_callback_secret = $2 WHERE id = $1', [
        connectionId,
        sealing.seal(secret, callbackSecretContext(connectionId)),
      ]);
      return rowCount === 1;
    },

    async open(connectionId) {
      const { rows } = await pool.query<{ sealed: Buffer | null }>(
        'SELECT sealed_callback_secret AS sealed FROM connection WHERE id = $1',
        [connectionId],
      );
      const sealed = rows[0]?.sealed ?? null;
      return sealed && sealing.open(sealed, callbackSecretContext(connectionId));
    },
  };
}
