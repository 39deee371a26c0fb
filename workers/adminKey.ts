import { randomBytes } from 'node:crypto';
import { readConfig } from '../config/config.js';
import { migrate } from '../db/migrate.js';
import { ensureAdminKey } from './adminKeys.js';
import { databaseUrl } from './composition.js';
import { run } from './run.js';

/** Makes a new admin key and prints its secret, this once. */
await run(async () => {
  const url = databaseUrl(readConfig(process.env));
  await migrate(url);
  const secret = `nl_${randomBytes(32).toString('base64url')}`;
  await ensureAdminKey(url, 'made by npm run admin-key', secret);
  process.stdout.write(`${secret}\n`);
});
