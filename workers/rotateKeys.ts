import { type Config, readConfig } from '../config/config.js';
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { type Rotation, rotateKeys } from '../db/rotateKeys.js';
import { sealedColumns } from '../db/sealedColumns.js';
import { databaseUrl, sealingOf } from './composition.js';
import { run } from './run.js';

/** Seals everything anew with the first key; ends with 0 only when no value needs another key any more. */
await run(async () => {
  const config = readConfig(process.env);
  const url = databaseUrl(config);
  const sealing = sealingOf(config);
  await migrate(url);
  const pool = createPool(url, 1);
  try {
    const rotation = await rotateKeys(pool, sealing, sealedColumns, ({ table, column }, { resealed }) =>
      say(`${table}.${column}: ${resealed} resealed`),
    );
    for (const line of report(rotation, config)) say(line);
    if (Object.keys(rotation.stillNeeded).length > 0) process.exitCode = 1;
  } finally {
    await pool.end();
  }
});

function report({ fates, stillNeeded }: Rotation, { tokenKeys }: Config): string[] {
  const needed = Object.entries(stillNeeded);
  const count = needed.reduce((sum, [, values]) => sum + values, 0);
  const configured = new Set(tokenKeys.map(({ id }) => id));
  return [
    `Resealed with the key ${tokenKeys[0]?.id}: ${fates.resealed}. Still under another key: ${count}.`,
    ...needed.map(([keyId, values]) =>
      configured.has(keyId)
        ? `Under the key ${keyId}: ${values}. Keep it, and run this again once every process seals with the first key.`
        : `Under the key ${keyId}, which is not configured: ${values}. Add it to NIGHTLEDGER_TOKEN_KEYS behind the first and run this again; if it is lost, what it sealed is lost, and its connections need a new consent.`,
    ),
    ...(fates.damaged > 0
      ? [
          `Not to be opened though the key is there, because their bytes were changed: ${fates.damaged}. Restore them from a backup.`,
        ]
      : []),
    ...(count === 0 ? ['Every other key may be removed from NIGHTLEDGER_TOKEN_KEYS.'] : []),
  ];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
