/** The settings of connections: what was chosen, in the connection's row. */
import type pg from 'pg';
import type { SettingsStore } from '../domain/ports.js';
import { type ChosenSettings, changed, type Settings, settingsOf } from '../domain/settings.js';
import { inTransaction, type Queryable } from './pool.js';

interface SettingsRow {
  settings: ChosenSettings;
  optional_streams: Settings['optionalStreams'];
}

export function createSettings(pool: pg.Pool): SettingsStore {
  return {
    async get(connectionId) {
      const chosen = await chosenOf(pool, connectionId, '');
      return chosen === null ? null : settingsOf(chosen);
    },

    change: (connectionId, patch, accept) =>
      inTransaction(pool, async (client) => {
        // The row is kept until the end, so that a change made meanwhile is merged into and not written over.
        const chosen = await chosenOf(client, connectionId, 'FOR NO KEY UPDATE');
        if (chosen === null) return null;
        const next = changed(chosen, patch);
        accept?.(settingsOf(next));
        const { optionalStreams = [], ...settings } = next;
        await client.query('UPDATE connection SET settings = $2, optional_streams = $3 WHERE id = $1', [
          connectionId,
          settings,
          optionalStreams,
        ]);
        return settingsOf(next);
      }),
  };
}

async function chosenOf(db: Queryable, connectionId: string, lock: '' | 'FOR NO KEY UPDATE') {
  const { rows } = await db.query<SettingsRow>(
    `SELECT settings, optional_streams FROM connection WHERE id = $1 ${lock}`,
    [connectionId],
  );
  return rows[0] === undefined ? null : { ...rows[0].settings, optionalStreams: rows[0].optional_streams };
}
