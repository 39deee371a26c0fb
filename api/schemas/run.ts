import { z } from 'zod';
import { connectionCodes } from '../../domain/codes.js';
import { instant } from './common.js';

const outcome = z
  .string()
  .meta({ enum: ['running', 'completed', 'cancelled', ...Object.keys(connectionCodes)] })
  .describe('How it ended, by name.');

const rateLimited = z
  .object({ minute: z.number(), day: z.number(), concurrent: z.number(), appMinute: z.number() })
  .describe('Answers of Xero that refused a call, by limit.');

const sleeps = z.array(z.object({ reason: z.string(), seconds: z.number() }));

const runIds = {
  workflowId: z.string(),
  runId: z.string(),
  url: z.string().describe('The run in the Temporal UI.'),
};

export const startedSchema = z.object(runIds).meta({ id: 'Started', description: 'Work in hand.' });

export const runSchema = z
  .object({
    ...runIds,
    kind: z.enum(['backfill', 'sync', 'webhook']),
    outcome,
    startedAt: instant,
    endedAt: instant.nullable(),
    requestId: z.string().nullable().describe('The request that started it; null where nobody asked.'),
    actor: z.string().nullable().describe("The platform's id of the person who asked."),
    calls: z.number(),
    bytes: z.number(),
    rateLimited,
    sleeps,
    streams: z
      .record(
        z.string(),
        z.object({ calls: z.number(), created: z.number(), changed: z.number(), unchanged: z.number() }),
      )
      .describe('By stream: calls made, and records of the mirror that they created, changed and left unchanged.'),
  })
  .meta({ id: 'Run', description: 'One run of a workflow, with what it asked of Xero.' });

const streamProgress = z.object({
  status: z.enum(['waiting', 'reading', 'complete', 'unavailable', 'failed']),
  records: z.number().describe('In the mirror and in scope.'),
  expected: z.number().nullable().describe('What Xero said there is; null until it said.'),
  setAside: z.number().describe('Records that Postgres refused and that are kept as text.'),
  calls: z.number(),
  lastError: z.string().nullable(),
});

export const backfillSchema = z
  .object({
    status: z.string().describe("The connection's status."),
    sleepingUntil: instant.nullable(),
    streams: z.record(z.string(), streamProgress),
    calls: z.number(),
    bytes: z.number(),
    rateLimited,
    sleeps,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    outcome: outcome.nullable().describe('Null before the first start.'),
    workflowId: z.string().nullable(),
    runId: z.string().nullable(),
    url: z.string().nullable(),
  })
  .meta({ id: 'Backfill', description: 'The first full read, stream by stream.' });
