/** What a seed stands for: a stream, its size, who edits it while it is read, in which order answers come, how Xero is set. */
import type { StreamName, WayOfReading } from '../../domain/streams.js';
import { seeded } from '../../test/support/readingModel.js';

/** Rows of a stream that take several pages, and of those it follows from. */
interface Subject {
  stream: StreamName;
  counts: Readonly<Record<string, number>>;
}

const subject = (stream: StreamName, rows: number, beside: Record<string, number> = {}): Subject => ({
  stream,
  counts: { contacts: 30, ...beside, [stream]: rows },
});

const subjects: Record<WayOfReading, readonly Subject[]> = {
  orderedPages: [
    subject('contacts', 2300),
    subject('payments', 2300, { invoices: 900 }),
    subject('invoices', 2100),
    subject('creditNotes', 2200),
    subject('bankTransactions', 2200),
    subject('prepayments', 2100),
    subject('overpayments', 2100),
  ],
  stampedPages: [subject('purchaseOrders', 2200), subject('manualJournals', 2300)],
  plainPages: [subject('quotes', 330), subject('linkedTransactions', 330, { invoices: 200, items: 20 })],
  numbered: [subject('journals', 0, { manualJournals: 340 })],
  wholeList: [
    subject('items', 180),
    subject('accounts', 0),
    subject('bankTransfers', 90),
    subject('batchPayments', 60, { invoices: 300, payments: 300 }),
    subject('trackingCategories', 0),
  ],
};

export const ways = Object.keys(subjects) as WayOfReading[];

export interface Edits {
  edits: Record<string, number>;
  at: 'edge' | 'anywhere';
  when: 'before' | 'after';
  everyCalls: number;
  seed: number;
}

export interface SoakCase {
  way: WayOfReading;
  seed: number;
  stream: StreamName;
  counts: Record<string, number>;
  syncFromDate: string | null;
  campaigns: Edits[];
  /** In the order of the calls that they strike. */
  delays: { kind: 'delay' | 'lateAnswer'; ms: number; skip: number }[];
  switches: Record<'ifModifiedSinceInclusive' | 'notModifiedAs304' | 'deletedPaymentsComeBack', boolean>;
}

const mostDelayMs = 60;
const delayed = 12;
const dayMs = 86_400_000;

export function caseOf(way: WayOfReading, seed: number): SoakCase {
  const random = seeded(seed * 7919 + ways.indexOf(way) * 104_729 + 1);
  const below = (count: number): number => Math.floor(random() * count);
  const { stream, counts } = subjects[way][seed % subjects[way].length] as Subject;
  const { [stream]: rows = 0, ...beside } = counts;
  const syncFromDate =
    below(3) === 0 ? null : new Date(Date.now() - (600 + below(1200)) * dayMs).toISOString().slice(0, 10);
  const campaign = (when: Edits['when']): Edits => ({
    edits: {
      edit: 1 + below(3),
      add: below(3),
      archive: below(2),
      ...(stream === 'contacts' && { merge: below(2) }),
      ...(stream !== 'contacts' && { moveDateOut: below(3), moveDateIn: below(3) }),
    },
    at: below(3) === 0 ? 'anywhere' : 'edge',
    when,
    // A whole list is one call.
    everyCalls: way === 'wholeList' ? 1 : 1 + below(2),
    seed: below(1_000_000),
  });
  return {
    way,
    seed,
    stream,
    counts: { ...beside, ...(rows > 0 && { [stream]: rows + below(150) }) },
    syncFromDate,
    campaigns: below(3) === 0 ? [campaign('before'), campaign('after')] : [campaign(below(2) ? 'before' : 'after')],
    delays: Array.from({ length: delayed }, () => ({
      kind: below(2) === 0 ? 'delay' : 'lateAnswer',
      ms: below(mostDelayMs),
      skip: below(2),
    })),
    switches: {
      ifModifiedSinceInclusive: below(2) === 0,
      notModifiedAs304: below(2) === 0,
      deletedPaymentsComeBack: below(2) === 0,
    },
  };
}
