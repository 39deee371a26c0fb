import { z } from 'zod';
import { EDIT_OPS } from '../data/edits.js';
import { TIERS } from '../data/organisation.js';
import { SIZED_STREAMS } from '../data/plan.js';
import { SWITCHES, type SwitchName } from '../settings.js';
import { FAULT_KINDS } from './faults.js';
import { READING_EDITS } from './reading.js';

const count = z.number().int().min(0);
const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be YYYY-MM-DD');
const seed = z.union([z.string(), z.number()]);
const switchNames = Object.keys(SWITCHES) as [SwitchName, ...SwitchName[]];
const sizedStreams = SIZED_STREAMS as [string, ...string[]];

const limits = z.strictObject({ minute: count.optional(), day: count.optional(), concurrent: count.optional() });

export const organisationWish = z.strictObject({
  name: z.string().min(1).optional(),
  seed: seed.optional(),
  records: count.optional(),
  counts: z.partialRecord(z.enum(sizedStreams), count).optional(),
  tier: z.enum(TIERS).optional(),
  timezone: z.string().optional(),
  baseCurrency: z.string().length(3).optional(),
  limits: limits.optional(),
  minutePhaseMs: count.optional(),
  dayPhaseMs: count.optional(),
  periodLockDate: date.optional(),
  endOfYearLockDate: date.optional(),
});

export const profileChange = z.strictObject({
  name: z.string().min(1).optional(),
  offline: z.boolean().optional(),
  limits: limits.optional(),
  tier: z.enum(TIERS).optional(),
  timezone: z.string().optional(),
  periodLockDate: date.nullable().optional(),
  endOfYearLockDate: date.nullable().optional(),
});

export const settingsChange = z.strictObject({
  latencyMs: count.optional(),
  limits: z.strictObject({ appMinute: count.optional() }).optional(),
  highVolumeThreshold: count.optional(),
  switches: z.partialRecord(z.enum(switchNames), z.boolean()).optional(),
});

export const edits = z.array(
  z.strictObject({
    stream: z.string(),
    op: z.enum(EDIT_OPS),
    id: z.string().optional(),
    nth: count.optional(),
    set: z.record(z.string(), z.unknown()).optional(),
    date: date.optional(),
    into: z.string().optional(),
    amount: z.number().positive().optional(),
    silent: z.boolean().optional(),
  }),
);

export const matching = z.strictObject({ field: z.string().min(1), value: z.string().min(1) });

export const readingWish = z.strictObject({
  stream: z.string(),
  everyCalls: z.number().int().min(1).optional(),
  times: count.optional(),
  seed: seed.optional(),
  edits: z.partialRecord(z.enum(READING_EDITS), count),
  at: z.enum(['edge', 'anywhere']).optional(),
  when: z.enum(['before', 'after']).optional(),
});

export const faults = z.array(
  z.strictObject({
    match: z
      .strictObject({ path: z.string().optional(), tenantId: z.string().optional(), method: z.string().optional() })
      .optional(),
    kind: z.enum(FAULT_KINDS),
    status: z.number().int().min(100).max(599).optional(),
    body: z.string().optional(),
    ms: count.optional(),
    times: count.optional(),
    skip: count.optional(),
  }),
);

export const revocation = z.strictObject({ grant: z.boolean().optional() });
export const clockChange = z.strictObject({ offsetMs: z.number().int() });
export const webhookTarget = z.strictObject({ url: z.url(), key: z.string().min(1) });
