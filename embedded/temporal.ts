import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { endLeftovers } from './leftovers.js';
import { freePort, requirePort } from './ports.js';
import { type OwnedProcess, spawnOwned } from './processes.js';
import { StartError } from './startError.js';
import { findTemporal } from './temporalBinary.js';

/** The types that the dev server registers (`temporal server start-dev --help`). */
export type SearchAttributeTypeName = 'Text' | 'Keyword' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList';

export interface TemporalOptions {
  /** The folder that keeps pid files and logs; made if it is not there. */
  readonly stateDir: string;
  /** A free port by default. */
  readonly port?: number | undefined;
  /** Without it there is no UI. */
  readonly uiPort?: number | undefined;
  /** The file that keeps everything; without it all is in memory, five times as fast and gone at the end. */
  readonly dbFile?: string | undefined;
  readonly searchAttributes?: Readonly<Record<string, SearchAttributeTypeName>> | undefined;
  /** How long ended runs are kept; 30 days with a file, the server's own 24 hours without. */
  readonly retentionDays?: number | undefined;
  /** Values are JSON: `{ 'matching.enableFairness': true }`. */
  readonly dynamicConfig?: Readonly<Record<string, unknown>> | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface RunningTemporal {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  readonly uiUrl: string | undefined;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}
