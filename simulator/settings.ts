import type { Journal } from './core/journal.js';

/** What Xero's documentation leaves open (the "?" facts of xero-api.md): each can be had both ways. */
export const SWITCHES = {
  ifModifiedSinceInclusive: {
    default: true,
    about: 'If-Modified-Since also returns rows changed within the very second it names',
  },
  notModifiedAs304: { default: false, about: 'no change since If-Modified-Since is answered 304 without a body' },
  rateLimited429CostsACall: { default: false, about: 'a call refused with 429 counts against the windows' },
  appMinuteRetryAfter: { default: false, about: 'a 429 for the app minute carries Retry-After' },
  deletedPaymentsComeBack: { default: true, about: 'deleted payments stay in lists with Status DELETED' },
  contactNamesFollow: { default: false, about: 'a renamed contact shows its new name inside older documents' },
  paymentRaisesInvoiceUpdate: { default: true, about: 'a payment raises an INVOICE UPDATE webhook' },
  pkceWithSecret: { default: true, about: 'PKCE is accepted from an app that also has a secret' },
  goodOnesSavedWhenSummarized: {
    default: false,
    about: 'a call with summarizeErrors=true that is refused for one element saves the good ones all the same',
  },
  postEditsInvoiceByNumber: {
    default: true,
    about:
      'a POST with the number of a sales invoice or credit note in use edits that document; else the number is taken',
  },
  postEditsContactByName: {
    default: false,
    about: 'a POST of a contact with neither id nor ContactNumber edits the one of that name; else the name is taken',
  },
  billsKeepReference: { default: true, about: 'a bill keeps a Reference; else only sales invoices have one' },
  adviserPassesPeriodLock: {
    default: false,
    about: 'the consent of an adviser passes the period lock; the year-end lock holds all the same',
  },
  broadScopes: { default: false, about: 'scopes from before March 2026 (accounting.transactions) are granted' },
  rapidSync: {
    default: false,
    about: 'minute and day limits are lifted for 30 minutes after connecting (Plus and up)',
  },
} as const;

export type SwitchName = keyof typeof SWITCHES;
export type Switches = Record<SwitchName, boolean>;

export interface SettingsValues {
  latencyMs: number;
  limits: { appMinute: number };
  /** Rows beyond which an unfiltered list is refused (ErrorNumber 51). */
  highVolumeThreshold: number;
  switches: Switches;
}

export interface SettingsChange {
  latencyMs?: number;
  limits?: { appMinute?: number };
  highVolumeThreshold?: number;
  switches?: Partial<Switches>;
}

const defaults = (): SettingsValues => ({
  latencyMs: 0,
  limits: { appMinute: 10_000 },
  highVolumeThreshold: 100_000,
  switches: Object.fromEntries(Object.entries(SWITCHES).map(([name, { default: on }]) => [name, on])) as Switches,
});

/** Settings of the whole simulator; changes survive a restart. */
export class Settings {
  readonly values: SettingsValues;
  readonly change: (change: SettingsChange) => void;

  constructor(journal: Journal, first: SettingsChange = {}) {
    this.values = defaults();
    this.apply(first);
    this.change = journal.event<SettingsChange>('settingsChanged', (change) => this.apply(change));
  }

  private apply({ limits, switches, ...plain }: SettingsChange): void {
    for (const [name, value] of Object.entries(plain)) {
      if (value !== undefined) Object.assign(this.values, { [name]: value });
    }
    if (limits?.appMinute !== undefined) this.values.limits.appMinute = limits.appMinute;
    Object.assign(this.values.switches, switches);
  }
}
