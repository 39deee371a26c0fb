import { element } from '../core/lookup.js';
import { type Row, type Value, XeroDate } from '../core/values.js';
import type { Organisation } from './organisation.js';
import type { Organisations, RowsWrite } from './organisations.js';
import { type Chart, journalLines, POSTING_RULES, type Posting, postingOf, reversed } from './posting.js';
import type { Column, Source, World } from './world.js';

const POSTED_STREAMS = Object.keys(POSTING_RULES);

/** The journals of the generated documents, numbered in the order of their stamps. */
export class Journals implements Source {
  readonly count: number;
  readonly columns: Record<string, Column> = { JournalNumber: (index) => index + 1 };
  /** The n-th journal's document: its stream, and its index there. */
  private readonly streams: Uint8Array;
  private readonly rows: Uint32Array;
  private readonly accounts: Map<string, Row>;

  constructor(
    private readonly world: World,
    private readonly sources: Record<string, Source>,
  ) {
    const { accounts } = sources;
    const chart = Array.from({ length: accounts?.count ?? 0 }, (_, index) => accounts?.row(index) ?? {});
    this.accounts = new Map(chart.map((row) => [String(row.Code), row]));
    const documents = this.postedDocuments();
    const stamp = (n: number) => this.source(element(documents.streams, n)).stamp(element(documents.rows, n));
    const stamps = Float64Array.from({ length: documents.rows.length }, (_, n) => stamp(n));
    const order = Uint32Array.from({ length: stamps.length }, (_, n) => n);
    order.sort((a, b) => element(stamps, a) - element(stamps, b) || a - b);
    this.count = order.length;
    this.streams = Uint8Array.from(order, (n) => element(documents.streams, n));
    this.rows = Uint32Array.from(order, (n) => element(documents.rows, n));
  }

  stamp(index: number): number {
    return this.source(element(this.streams, index)).stamp(element(this.rows, index));
  }

  row(index: number): Row {
    if (index >= this.count) return {};
    const stream = element(POSTED_STREAMS, element(this.streams, index));
    const document = this.source(element(this.streams, index)).row(element(this.rows, index));
    const posting = postingOf(stream, document);
    const chart: Chart = (code) => this.accounts.get(code) ?? {};
    return posting ? journalRow(this.world, chart, index, stream, document, posting, this.stamp(index)) : {};
  }

  private source(stream: number): Source {
    return this.sources[element(POSTED_STREAMS, stream)] as Source;
  }

  private postedDocuments(): { streams: number[]; rows: number[] } {
    const found = { streams: [] as number[], rows: [] as number[] };
    POSTED_STREAMS.forEach((stream, place) => {
      const { count, columns } = this.source(place);
      for (let index = 0; index < count; index++) {
        if (!POSTING_RULES[stream]?.posts(columns.Status?.(index), columns.Type?.(index))) continue;
        found.streams.push(place);
        found.rows.push(index);
      }
    });
    return found;
  }
}

function journalRow(
  world: World,
  chart: Chart,
  index: number,
  stream: string,
  document: Row,
  posting: Posting,
  createdAt: number,
): Row {
  const idField = POSTING_RULES[stream]?.idField ?? '';
  return {
    JournalID: world.ids('journals').guid(index),
    JournalDate: document.Date as Value,
    JournalNumber: index + 1,
    CreatedDateUTC: new XeroDate(createdAt),
    Reference: posting.reference || undefined,
    SourceID: document[idField],
    SourceType: posting.sourceType,
    JournalLines: journalLines(world, chart, index, posting.entries),
  };
}

/**
 * Keeps the journals of organisations that have them in step with what is written: approving posts, voiding and deleting
 * reverse, and a change of the amounts does both.
 */
export function followDocuments(organisations: Organisations): void {
  organisations.onRows((write) => {
    if (!(write.stream in POSTING_RULES) || !write.organisation.hasJournals) return;
    write.rows.forEach(({ row, stamp }, n) => {
      for (const posting of changes(write, row, write.before[n])) {
        append(organisations, write.organisation, write.stream, row, posting, stamp);
      }
    });
  });
}

function changes({ stream }: RowsWrite, after: Row, before: Row | undefined): Posting[] {
  const posted = before && postingOf(stream, before);
  const posts = postingOf(stream, after);
  const same = JSON.stringify(posted?.entries) === JSON.stringify(posts?.entries);
  return same ? [] : [...(posted ? [reversed(posted)] : []), ...(posts ? [posts] : [])];
}

function append(
  organisations: Organisations,
  organisation: Organisation,
  stream: string,
  document: Row,
  posting: Posting,
  stamp: number,
): void {
  const journals = organisation.stream('journals');
  if (!journals) return;
  const index = journals.length;
  const row = journalRow(organisation.world, chartOf(organisation), index, stream, document, posting, stamp);
  organisations.writeRows(organisation, 'journals', [{ index, stamp, row }]);
}

/** The accounts as they are now; one that was deleted may have left its code to another. */
const chartOf =
  (organisation: Organisation): Chart =>
  (code) => {
    const accounts = organisation.stream('accounts');
    const rows = accounts?.indicesWith('Code', code.toLowerCase()).map((index) => accounts.row(index)) ?? [];
    return rows.find((row) => row.Code === code && row.Status !== 'DELETED') ?? {};
  };
