import { readConfig } from '../config/config.js';
import { migrate } from '../db/migrate.js';
import { databaseUrl } from './composition.js';
import { run } from './run.js';

await run(async () => {
  await migrate(databaseUrl(readConfig(process.env)));
  process.stdout.write('The database is up to date.\n');
});
