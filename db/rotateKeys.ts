/** Brings every sealed value under the key that seals now, while the API and workers go on. */
import type { Queryable } from './pool.js';
import type { KeyValue, SealedColumn } from './sealedColumns.js';
import { MissingSealingKey, type Sealing } from './sealing.js';

/**
 * What became of a value. `savedMeanwhile`: a running process wrote the row after it was read, and its word counts.
 * `keyMissing`: the key that opens it is not configured. `damaged`: its key is there and does not open it.
 */
export type Fate = 'resealed' | 'savedMeanwhile' | 'keyMissing' | 'damaged';
export type Fates = Readonly<Record<Fate, number>>;

export interface Rotation {
  fates: Fates;
  /** When it was over: how many values need another key than the current one, by the key's id. */
  stillNeeded: Readonly<Record<string, number>>;
}

/** A value with its row's key. */
interface Sealed {
  key: KeyValue[];
  value: Buffer;
}

/** Told after each batch what became of all values of the column so far. */
export type OnProgress = (column: SealedColumn, fates: Fates) => void;

const batchSize = 500;
const none: Fates = { resealed: 0, savedMeanwhile: 0, keyMissing: 0, damaged: 0 };

/**
 * Seals anew, value by value, what another key than the current one sealed. May be ended at any moment and begun again;
 * a value that cannot be opened holds up no other.
 * @throws pg's errors when Postgres is away.
 */
export async function rotateKeys(
  db: Queryable,
  sealing: Sealing,
  columns: readonly SealedColumn[],
  onProgress: OnProgress,
): Promise<Rotation> {
  let fates = none;
  const stillNeeded: Record<string, number> = {};
  for (const column of columns) {
    fates = sum(fates, await rotateColumn(db, sealing, column, onProgress));
  }
  for (const column of columns) {
    for (const [keyId, count] of await otherKeysOf(db, sealing, column)) {
      stillNeeded[keyId] = (stillNeeded[keyId] ?? 0) + count;
    }
  }
  return { fates, stillNeeded };
}

async function rotateColumn(db: Queryable, sealing: Sealing, column: SealedColumn, onProgress: OnProgress) {
  let fates = none;
  let batch = await batchAfter(db, sealing, column, null);
  while (batch.length > 0) {
    for (const sealed of batch) {
      const fate = await reseal(db, sealing, column, sealed);
      fates = { ...fates, [fate]: fates[fate] + 1 };
    }
    onProgress(column, fates);
    batch = await batchAfter(db, sealing, column, batch.at(-1) ?? null);
  }
  return fates;
}

/** In the order of the key, so that values that stay as they are do not come again. */
async function batchAfter(
  db: Queryable,
  { currentHead }: Sealing,
  { table, key, column }: SealedColumn,
  last: Sealed | null,
): Promise<Sealed[]> {
  const keys = key.join(', ');
  const after = last === null ? '' : `AND (${keys}) > (${last.key.map((_value, index) => `$${index + 2}`).join(', ')})`;
  const { rows } = await db.query<(KeyValue | Buffer)[]>({
    text: `SELECT ${keys}, ${column} FROM ${table}
           WHERE substring(${column} FROM 1 FOR length($1::bytea)) <> $1 ${after}
           ORDER BY ${keys} LIMIT ${batchSize}`,
    values: [currentHead, ...(last?.key ?? [])],
    rowMode: 'array',
  });
  return rows.map((row) => ({ key: row.slice(0, -1), value: row.at(-1) as Buffer }));
}

async function reseal(db: Queryable, sealing: Sealing, column: SealedColumn, { key, value }: Sealed): Promise<Fate> {
  const context = column.context(...key);
  let plain: string;
  try {
    plain = sealing.open(value, context);
  } catch (error) {
    return error instanceof MissingSealingKey ? 'keyMissing' : 'damaged';
  }
  const row = column.key.map((name, index) => `${name} = $${index + 3}`).join(' AND ');
  // Only over the very bytes that were opened: what a process saved meanwhile is never overwritten.
  const { rowCount } = await db.query(
    `UPDATE ${column.table} SET ${column.column} = $1 WHERE ${column.column} = $2 AND ${row}`,
    [sealing.seal(plain, context), value, ...key],
  );
  return rowCount === 1 ? 'resealed' : 'savedMeanwhile';
}

/** The layout of a sealed value is that of sealing.ts: the second byte is the length of the key's id, which follows. */
async function otherKeysOf(
  db: Queryable,
  { currentHead }: Sealing,
  { table, column }: SealedColumn,
): Promise<[keyId: string, count: number][]> {
  const { rows } = await db.query<{ key_id: string; count: number }>(
    `SELECT encode(substring(${column} FROM 3 FOR get_byte(${column}, 1)), 'escape') AS key_id, count(*)::int AS count
     FROM ${table} WHERE substring(${column} FROM 1 FOR length($1::bytea)) <> $1 GROUP BY 1`,
    [currentHead],
  );
  return rows.map(({ key_id, count }) => [key_id, count]);
}

function sum(one: Fates, other: Fates): Fates {
  return {
    resealed: one.resealed + other.resealed,
    savedMeanwhile: one.savedMeanwhile + other.savedMeanwhile,
    keyMissing: one.keyMissing + other.keyMissing,
    damaged: one.damaged + other.damaged,
  };
}
