/**
 * The settings of a connection: their shape, their defaults, and how a change is made. What they must find in the
 * organisation's books is in mappings.ts.
 */
import { z } from 'zod';
import { optionalStreams } from './streams.js';
import { isOneLine, line } from './text.js';

/** Xero's limit of an account's code (xero-api.md §4). */
const accountCode = line(10).describe("An account's code in Xero.");
const taxType = line(50).describe("A tax rate's TaxType in Xero.");
const trackingOption = z.guid().toLowerCase().describe("A tracking option's id in Xero.");
const groupName = line(255);
const documentStatus = z.enum(['draft', 'submitted', 'authorised']);

/** Schemas of a `null`able and of an absent or `null`able kind, field by field. */
type Nullable<S extends z.ZodRawShape> = { [K in keyof S]: z.ZodNullable<S[K]> };
type Nullish<S extends z.ZodRawShape> = { [K in keyof S]: z.ZodOptional<z.ZodNullable<S[K]>> };
const each = (shape: z.ZodRawShape, wrap: (schema: z.ZodType) => z.ZodType) =>
  Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, wrap(schema as z.ZodType)]));
const nullable = <S extends z.ZodRawShape>(shape: S) => each(shape, (schema) => schema.nullable()) as Nullable<S>;
const nullish = <S extends z.ZodRawShape>(shape: S) => each(shape, (schema) => schema.nullish()) as Nullish<S>;

const atMost =
  (most: number) =>
  (entries: object): boolean =>
    Object.keys(entries).length <= most;

/** A value for each of the platform's names, which are `longest` characters at most; a change may say null to forget one. */
function named<Value extends z.ZodType>(longest: number, value: Value, most: number) {
  const key = line(longest);
  const error = ({ code }: { code?: string }): string | undefined =>
    code === 'invalid_key'
      ? `must be named in 1 to ${longest} characters, none of them a control character`
      : undefined;
  return {
    whole: z.record(key, value).refine(atMost(most), `must not have more than ${most} entries`),
    change: z.record(key, value.nullable(), { error }).nullish(),
  };
}

const payments = named(50, accountCode, 50);
const expenseTypes = named(100, accountCode, 200);
const locationTracking = named(200, trackingOption, 500);
const codes = { sales: accountCode, purchases: accountCode, rounding: accountCode };
const taxes = { sales: taxType, purchases: taxType };
const groups = { customers: groupName, suppliers: groupName, staff: groupName };

const placeholders = /\{(name|externalId)\}/g;

const contactNameTemplate = line(100)
  .refine((value) => value.includes('{name}'), 'must hold {name}')
  .refine(
    (value) => !/[{}]/.test(value.replace(placeholders, '')),
    'must hold no other placeholder than {name} and {externalId}',
  )
  .describe('How a contact is named in Xero, where two of one name cannot be: `{name}`, `{externalId}`.');

/**
 * Clocks are put forward and back between 01:00 and 03:00: a time there comes twice on one day, and not at all on another.
 * A sync may begin half an hour after its time (nightly.ts).
 */
const nightlyTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as HH:MM')
  .refine((value) => value < '00:30' || value > '03:00', 'must not lie from 00:30 to 03:00, when clocks are changed')
  .describe("Time of day of the nightly sync, in the organisation's time zone; it begins within half an hour of it.");

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What is no URL at all is faulted by the schema before. */
function urlThat(test: (url: URL) => boolean): (value: string) => boolean {
  return (value) => !URL.canParse(value) || test(new URL(value));
}

const callbackUrl = z
  .url()
  .max(2000)
  .refine(isOneLine, 'must not hold control characters')
  .refine(
    urlThat(({ protocol, hostname }) => protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname))),
    'must be https, or http on loopback',
  )
  .refine(
    urlThat(({ username, password }) => username === '' && password === ''),
    'must not hold a user or a password',
  )
  .describe('Where the platform is told of payments.');

/** Settings that are one value each and always have one. */
const values = {
  invoiceStatus: documentStatus.describe('The status of sales invoices in Xero.'),
  billStatus: documentStatus.describe('The status of bills in Xero.'),
  exportMode: z.enum(['immediate', 'reviewed']).describe('Documents go by themselves, or after a review.'),
  paymentsOut: z.boolean().describe("The platform's payments go to Xero."),
  paymentsIn: z.boolean().describe('Payments made in Xero come to the platform.'),
  paymentsInEveryHours: z.int().min(1).max(24),
  partPayments: z.boolean().describe('Payments from Xero may be less than what is open.'),
  purchaseOrders: z.boolean(),
  contactNameTemplate,
  optionalStreams: z
    .array(z.enum(optionalStreams))
    .max(optionalStreams.length)
    .describe(
      'Streams that are read only where they are chosen: they cost calls, and journals a plan, that not everybody has.',
    ),
  nightlyTime,
};

/** All settings of a connection, defaults filled in. */
export const settingsSchema = z.object({
  accounts: z.object({ ...nullable(codes), payments: payments.whole, expenseTypes: expenseTypes.whole }),
  taxCodes: z.object(nullable(taxes)),
  locationTracking: locationTracking.whole,
  contactGroups: z.object(nullable(groups)),
  callbackUrl: callbackUrl.nullable(),
  ...values,
});
export type Settings = z.infer<typeof settingsSchema>;

/**
 * A change of settings, as JSON Merge Patch (RFC 7396): what is absent stays, objects are merged key by key, null brings
 * back the default or forgets a key, an array is replaced.
 */
export const settingsPatch = z.strictObject({
  accounts: z
    .strictObject({ ...nullish(codes), payments: payments.change, expenseTypes: expenseTypes.change })
    .nullish()
    .describe('Account codes; payments by method, and expense types, by the names that the platform gives them.'),
  taxCodes: z.strictObject(nullish(taxes)).nullish().describe('Tax of sales and of purchases.'),
  locationTracking: locationTracking.change.describe("A tracking option for each of the platform's locations."),
  contactGroups: z.strictObject(nullish(groups)).nullish().describe("Names of Xero's contact groups."),
  callbackUrl: callbackUrl.nullish(),
  ...nullish(values),
});
export type SettingsPatch = z.infer<typeof settingsPatch>;

export const defaultSettings: Settings = {
  accounts: { sales: null, purchases: null, rounding: null, payments: {}, expenseTypes: {} },
  taxCodes: { sales: null, purchases: null },
  locationTracking: {},
  contactGroups: { customers: null, suppliers: null, staff: null },
  callbackUrl: null,
  invoiceStatus: 'authorised',
  billStatus: 'authorised',
  exportMode: 'immediate',
  paymentsOut: true,
  paymentsIn: false,
  paymentsInEveryHours: 4,
  partPayments: false,
  purchaseOrders: true,
  contactNameTemplate: '{name}',
  optionalStreams: [],
  nightlyTime: '04:00',
};

export interface SettingFault {
  /** Dotted path, e.g. `accounts.payments.card`. */
  field: string;
  message: string;
}

/** A change that would leave settings which cannot be; nothing of it holds. */
export class InvalidSettings extends Error {
  constructor(readonly faults: readonly SettingFault[]) {
    super('the settings are not valid');
    this.name = 'InvalidSettings';
  }
}

/** What was chosen of the settings, and nothing else: the rest follows the defaults, today's and later ones. */
export type ChosenSettings = Readonly<Record<string, unknown>>;

export function settingsOf(chosen: ChosenSettings): Settings {
  return mergePatch(defaultSettings, chosen) as Settings;
}

/**
 * What is chosen after a change.
 * @throws InvalidSettings when the whole breaks a limit that no part of the change breaks alone
 */
export function changed(chosen: ChosenSettings, patch: SettingsPatch): ChosenSettings {
  const next = mergePatch(chosen, patch) as ChosenSettings;
  const { error } = settingsSchema.safeParse(settingsOf(next));
  if (error) throw new InvalidSettings(error.issues.map(({ path, message }) => ({ field: path.join('.'), message })));
  return next;
}

/** Does a change name this field, or what it lies in? */
export function concerns(patch: SettingsPatch, field: string): boolean {
  return leavesOf(patch).some((leaf) => field === leaf || field.startsWith(`${leaf}.`));
}

function leavesOf(value: unknown, path: readonly string[] = []): string[] {
  if (!isObject(value)) return value === undefined ? [] : [path.join('.')];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** RFC 7396, §2. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else if (value !== undefined) merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
