import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { createConnections } from '../../db/connections.js';
import { createSealing } from '../../db/sealing.js';
import { createTombstones } from '../../db/tombstones.js';
import type { Connections } from '../../domain/ports.js';

/** The repository as it is in production, with a key of its own. */
export function connectionsIn(pool: pg.Pool): Connections {
  const sealing = createSealing({ current: 'test', keys: { test: randomBytes(32) } });
  return createConnections(pool, createTombstones(sealing));
}
