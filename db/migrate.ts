/** Brings a database's tables up to date. */
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

const silent = () => undefined;

/**
 * Runs every migration of `db/migrations` that the database has not had, all in one transaction.
 * Several processes may call it at once: each waits for node-pg-migrate's advisory lock and then finds nothing to do.
 * @throws the migration's own error, after which the database is as it was.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  await runner({
    databaseUrl,
    dir: fileURLToPath(new URL('./migrations', import.meta.url)),
    direction: 'up',
    migrationsTable: 'migration',
    advisoryLockMode: 'wait',
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
}
