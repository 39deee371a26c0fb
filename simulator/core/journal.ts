import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'journal.jsonl';

/**
 * Everything that must survive a kill -9, as an append-only file of events. A store declares its events and how each
 * changes it; recording one writes it down before it takes effect, and at the next start all are applied again.
 * Without a folder events take effect and are forgotten.
 */
export class Journal {
  private readonly appliers = new Map<string, (data: never) => void>();
  private readonly path: string | undefined;
  private file: number | undefined;

  constructor(folder?: string) {
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, FILE);
  }

  /** Declares a kind of event; the answer records one and applies it. */
  event<T>(kind: string, apply: (data: T) => void): (data: T) => void {
    this.appliers.set(kind, apply as (data: never) => void);
    return (data) => {
      if (this.file !== undefined) writeSync(this.file, `${JSON.stringify([kind, data])}\n`);
      apply(data);
    };
  }

  /** Applies all recorded events, then opens the file for more. Returns how many there were. */
  replay(): number {
    if (this.path === undefined) return 0;
    const lines = existsSync(this.path) ? this.wholeLines(this.path) : [];
    for (const line of lines) {
      const [kind, data] = JSON.parse(line) as [string, never];
      this.appliers.get(kind)?.(data);
    }
    this.file = openSync(this.path, 'a');
    return lines.length;
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  /** A kill in the middle of a write leaves half a line, which is cut off. */
  private wholeLines(path: string): string[] {
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf(10) + 1;
    if (end < bytes.length) truncateSync(path, end);
    return bytes.subarray(0, end).toString('utf8').split('\n').filter(Boolean);
  }
}
