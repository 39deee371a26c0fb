import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const identity = { pid: z.int().positive(), birthTime: z.string() };

const pidRecord = z.object({
  ...identity,
  name: z.string(),
  ports: z.array(z.int()),
  /** The higher, the later it was started, the earlier it is ended. */
  order: z.int(),
  /** The signal that asks it to end in good order. */
  stopSignal: z.enum(['SIGTERM', 'SIGINT']),
  /** Who started it. While the owner runs, the process is in use and no leftover. */
  owner: z.object(identity),
});

/** What is remembered on disk of a process that we started. */
export type PidRecord = z.infer<typeof pidRecord>;

/** Writes the record at once and whole: a reader never sees half of it. */
export async function writePidRecord(pidDir: string, record: PidRecord): Promise<void> {
  await mkdir(pidDir, { recursive: true });
  const path = pidFile(pidDir, record.name);
  await writeFile(`${path}.new`, `${JSON.stringify(record)}\n`);
  await rename(`${path}.new`, path);
}

/** All readable records, last started first. A file that a dying machine left half written names nobody: it is skipped. */
export async function readPidRecords(pidDir: string): Promise<PidRecord[]> {
  const files = (await listFolder(pidDir)).filter((file) => file.endsWith('.json'));
  const records = await Promise.all(files.map((file) => readPidRecord(join(pidDir, file))));
  return records.filter((record) => record !== undefined).sort((a, b) => b.order - a.order);
}

/** Removes the record of a process; a record of a later process of the same name stays. */
export async function removePidRecord(pidDir: string, record: PidRecord): Promise<void> {
  const path = pidFile(pidDir, record.name);
  const current = await readPidRecord(path);
  if (current && (current.pid !== record.pid || current.birthTime !== record.birthTime)) return;
  await rm(path, { force: true });
}

async function readPidRecord(path: string): Promise<PidRecord | undefined> {
  try {
    return pidRecord.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function pidFile(pidDir: string, name: string): string {
  return join(pidDir, `${name}.json`);
}
