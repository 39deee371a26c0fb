/** Planning every row of a preview, as it is made and as it is compared: one walk over the same rows with the same rules. */

import type { PushFacts } from '../domain/documents/facts.js';
import type { DocumentReference } from '../domain/documents/kinds.js';
import { previewFacts, standsOn } from '../domain/documents/previewFacts.js';
import { type KnownContacts, previewRow } from '../domain/documents/previewRow.js';
import type {
  NewDigest,
  PlannedRow,
  Previews,
  PushFactsSource,
  RowToPlan,
  SharedFingerprint,
} from '../domain/ports.js';

export interface PlanningPorts {
  previews: Pick<Previews, 'toPlan'>;
  pushFacts: PushFactsSource;
  digest: NewDigest;
}

export interface Planned {
  row: RowToPlan;
  planned: PlannedRow;
}

/** Rows whose facts are loaded together. */
const rowsAtOnce = 500;

/**
 * Plans the rows in their order: what is sent before a document counts as sent for it. Excluded ones are passed over.
 * @returns digests of what all rows were planned with; null where the connection's chart was never read.
 */
export async function planAll(
  ports: PlanningPorts,
  { connectionId, previewId }: { connectionId: string; previewId: string },
  take: (rows: readonly Planned[]) => Promise<void>,
): Promise<SharedFingerprint | null> {
  const walk = new Walk(ports.digest);
  let shared: SharedFingerprint | null = null;
  for (let after = 0; ; ) {
    const rows = await ports.previews.toPlan(previewId, after, rowsAtOnce);
    const documents = rows.map(({ document }) => document);
    // Without rows too: what they would be planned with is part of what was shown.
    const facts = await ports.pushFacts.load(connectionId, documents, [], null);
    if (facts === null) return null;
    shared ??= sharedBy(facts, ports.digest);
    const last = rows.at(-1);
    if (last === undefined) return shared;
    await take(rows.map((row) => ({ row, planned: walk.plan(row, facts) })));
    after = last.place;
  }
}

class Walk {
  private readonly coming = new Set<string>();
  private readonly contacts: KnownContacts = new Map();

  constructor(private readonly digest: NewDigest) {}

  plan({ place, document, excluded }: RowToPlan, facts: PushFacts): PlannedRow {
    const records = this.digest();
    const comes = (parent: DocumentReference): boolean => this.coming.has(nameOf(parent));
    const row = previewRow(
      document,
      previewFacts(facts, comes, (record) => records.add(record)),
      this.contacts,
    );
    const outcome = excluded ? 'skipped' : row.outcome;
    if (outcome === 'send' && !document.deleted) this.coming.add(nameOf(document));
    const documents = digestOf(standsOn(document, facts), this.digest);
    return { place, ...row, outcome, seen: { documents, records: records.value() } };
  }
}

const nameOf = ({ kind, externalId }: DocumentReference): string => `${kind} ${externalId}`;

function sharedBy({ settings, chart, organisation }: PushFacts, digest: NewDigest): SharedFingerprint {
  const { taxRates, asOf: _, ...accounts } = chart;
  const { periodLockDate, endOfYearLockDate } = organisation;
  const of = (value: unknown): string => digestOf(JSON.stringify(value), digest);
  return {
    settings: of(settings),
    chart: of(accounts),
    taxRates: of(taxRates),
    locks: of([periodLockDate, endOfYearLockDate]),
  };
}

function digestOf(text: string, digest: NewDigest): string {
  const own = digest();
  own.add(text);
  return own.value();
}
