import { startPostgres } from '../../embedded/postgres.js';
import { startTemporal } from '../../embedded/temporal.js';
import { findTemporal, findTestServer } from '../../embedded/temporalBinary.js';
import { searchAttributeTypes } from '../../workers/searchAttributes.js';
import { makeStateDir, removeStateDir } from '../embedded/support.js';

/**
 * One Postgres and one Temporal dev server for all tests; each test makes a database and a task queue of its own.
 * The time-skipping server's binary is fetched here too, so that no test waits for the network.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const stateDir = await makeStateDir();
  const [postgres, temporal, testServer] = await Promise.all([
    startPostgres({ stateDir, fast: true }),
    findTemporal().then(() => startTemporal({ stateDir, searchAttributes: searchAttributeTypes })),
    findTestServer(),
  ]);
  process.env.TEST_DATABASE_URL = postgres.url;
  process.env.TEST_TEMPORAL_ADDRESS = temporal.address;
  process.env.TEST_TIME_SKIPPING_SERVER = testServer;
  return async () => {
    await temporal.stop();
    await postgres.stop();
    await removeStateDir(stateDir);
  };
}
