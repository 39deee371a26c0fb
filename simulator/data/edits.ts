import { DAY_MS, dateString, dayOf, parseDay } from '../core/calendar.js';
import type { Clock } from '../core/clock.js';
import { Decimal, money, type Row, type Value, XeroDate } from '../core/values.js';
import type { Organisation } from './organisation.js';
import type { Organisations } from './organisations.js';
import { PAYABLE_KINDS, paidDocument, paymentRow, withoutPayment, withPayment } from './settling.js';
import type { Stream } from './stream.js';

export const EDIT_OPS = ['edit', 'add', 'archive', 'merge', 'void', 'delete', 'moveDate', 'pay'] as const;
export type EditOp = (typeof EDIT_OPS)[number];

/** One change to one row, as the control API asks for it. */
export interface Edit {
  stream: string;
  op: EditOp;
  id?: string;
  /** The n-th row in the order of ids, when there is no `id`. */
  nth?: number;
  set?: Record<string, unknown>;
  date?: string;
  /** Where a contact is merged into. */
  into?: string;
  /** What is paid; without it all that is due. */
  amount?: number;
  /** Leaves `UpdatedDateUTC` as it is: the changes that Xero's stamps hide. */
  silent?: boolean;
}

export class EditError extends Error {}

/** Document fields whose change on a part-paid document does not move its stamp (xero-api.md §2). */
const HIDDEN_WHEN_PART_PAID = new Set(['DueDate', 'SentToContact']);

/** Changes rows as people in Xero would. */
export class Editor {
  private edits = 0;

  constructor(
    private readonly organisations: Organisations,
    private readonly clock: Clock,
  ) {}

  /** Performs an edit; answers the ids of the rows it touched. */
  apply(organisation: Organisation, edit: Edit): string[] {
    const stream = organisation.stream(edit.stream);
    if (!stream) throw new EditError(`there is no stream '${edit.stream}'`);
    if (stream.endpoint.derived) throw new EditError(`rows of ${edit.stream} follow from others and cannot be edited`);
    if (edit.op === 'add') {
      return stream.endpoint.name === 'Payments'
        ? this.addPayment(organisation, edit)
        : [this.add(organisation, stream, edit)];
    }
    const index = locate(stream, edit);
    const touched = this.operations[edit.op](organisation, stream, index, edit);
    return touched.map(([changed, row]) => changed.idOf(row));
  }

  private readonly operations: Record<
    Exclude<EditOp, 'add'>,
    (organisation: Organisation, stream: Stream, index: number, edit: Edit) => [Stream, number][]
  > = {
    edit: (organisation, stream, index, edit) => {
      const row = stream.row(index);
      const set = edit.set ?? {
        [stream.endpoint.editField]: `Edited ${++this.edits} ${this.clock.now().toString(36)}`,
      };
      const silent = edit.silent ?? isHidden(row, set);
      return this.put(organisation, stream, index, { ...row, ...convert(row, set) }, { silent });
    },
    archive: (organisation, stream, index) => {
      const { archived, stateField } = stream.endpoint;
      const field = archived?.field ?? stateField;
      if (field === undefined) throw new EditError(`rows of ${stream.endpoint.stream} cannot be archived`);
      return this.put(organisation, stream, index, { ...stream.row(index), [field]: 'ARCHIVED' });
    },
    merge: (organisation, stream, index, edit) => {
      const into = edit.into === undefined ? undefined : stream.indexOf(edit.into);
      const target = into ?? (index === 0 ? 1 : 0);
      const row = { ...stream.row(index), ContactStatus: 'ARCHIVED', MergedToContactID: stream.idOf(target) };
      return this.put(organisation, stream, index, row);
    },
    void: (organisation, stream, index) => this.end(organisation, stream, index, 'VOIDED'),
    delete: (organisation, stream, index) =>
      stream.endpoint.name === 'Payments'
        ? this.deletePayment(organisation, stream, index)
        : this.end(organisation, stream, index, stream.endpoint.deletedState),
    moveDate: (organisation, stream, index, edit) => {
      const field = stream.endpoint.decidingDate;
      if (field === undefined) throw new EditError(`rows of ${stream.endpoint.stream} have no date`);
      const row = stream.row(index);
      const date = edit.date ?? new Date(this.clock.now()).toISOString();
      return this.put(organisation, stream, index, { ...row, ...convert(row, { [field]: date }) });
    },
    pay: (organisation, stream, index, edit) => this.pay(organisation, stream, index, edit),
  };

  private add(organisation: Organisation, stream: Stream, edit: Edit): string {
    const index = stream.length;
    const draft = stream.draftNext();
    const field = stream.endpoint.decidingDate;
    const today = new Date(this.clock.now()).toISOString();
    const dated = field === undefined ? {} : convert(draft, { [field]: edit.date ?? today });
    this.put(organisation, stream, index, { ...draft, ...dated, ...convert(draft, edit.set ?? {}) });
    return stream.idOf(index);
  }

  /** There is no payment without an invoice: half of what some invoice has due is paid. */
  private addPayment(organisation: Organisation, edit: Edit): string[] {
    const invoices = organisation.stream('invoices');
    const index = invoices && payableFrom(invoices, (organisation.stream('payments')?.length ?? 0) * SCATTER);
    if (!invoices || index === undefined) throw new EditError('there is no invoice to pay');
    const due = invoices.row(index).AmountDue as Decimal;
    const touched = this.pay(organisation, invoices, index, { ...edit, amount: Math.ceil(due.units / 2) / 100 });
    return touched.map(([changed, row]) => changed.idOf(row));
  }

  private end(
    organisation: Organisation,
    stream: Stream,
    index: number,
    state: string | undefined,
  ): [Stream, number][] {
    const { stateField } = stream.endpoint;
    if (stateField === undefined || state === undefined) {
      throw new EditError(`rows of ${stream.endpoint.stream} cannot be deleted`);
    }
    const row = stream.row(index);
    const due = 'AmountDue' in row ? { AmountDue: money(0) } : {};
    return this.put(organisation, stream, index, { ...row, ...due, [stateField]: state });
  }

  private pay(organisation: Organisation, invoices: Stream, index: number, edit: Edit): [Stream, number][] {
    const payments = organisation.stream('payments');
    const kind = PAYABLE_KINDS.find(({ stream }) => stream === invoices.endpoint.stream);
    const invoice = invoices.row(index);
    if (!payments || !kind || !(invoice.AmountDue instanceof Decimal)) throw new EditError('only invoices can be paid');
    if (invoice.Status !== 'AUTHORISED') throw new EditError('Payments can only be made against Authorised documents');
    const amount = edit.amount === undefined ? invoice.AmountDue.units : Decimal.parse(edit.amount, 2).units;
    if (amount > invoice.AmountDue.units) {
      throw new EditError('Payment amount exceeds the amount outstanding on this document');
    }
    const day = edit.date === undefined ? dayOf(this.clock.now()) : parseDay(edit.date);
    if (day === undefined) throw new EditError(`'${edit.date}' is not a date`);
    const payment = payments.length;
    const { Account: account, Reference: reference } = payments.draftNext();
    const facts = { amount, bankAmount: amount, day, account: account as Row, rate: invoice.CurrencyRate, reference };
    const own = { id: payments.idOf(payment), reconciled: false, now: this.clock.now() };
    const row = paymentRow(invoice, kind, { ...facts, ...own });
    const made = this.put(organisation, payments, payment, row);
    return [...made, ...this.put(organisation, invoices, index, withPayment(invoice, row), { byPayment: true })];
  }

  private deletePayment(organisation: Organisation, payments: Stream, index: number): [Stream, number][] {
    const payment = payments.row(index);
    if (payment.Status === 'DELETED') throw new EditError('the payment is deleted already');
    const paid = paidDocument(payment);
    const documents = paid && organisation.stream(paid.kind.stream);
    const owner = documents?.indexOf(paid?.id ?? '');
    const touched = this.put(organisation, payments, index, { ...payment, Status: 'DELETED' });
    if (!documents || owner === undefined) return touched;
    const freed = withoutPayment(documents.row(owner), payment);
    return [...touched, ...this.put(organisation, documents, owner, freed, { byPayment: true })];
  }

  private put(
    organisation: Organisation,
    stream: Stream,
    index: number,
    row: Row,
    { silent = false, byPayment = false } = {},
  ): [Stream, number][] {
    const stamp = silent ? stream.stamp(index) : this.clock.now();
    this.organisations.writeRows(organisation, stream.endpoint.stream, [{ index, stamp, row }], byPayment);
    return [[stream, index]];
  }
}

/** A prime, so that added payments go to invoices far from each other. */
const SCATTER = 7_919;

function payableFrom(invoices: Stream, start: number): number | undefined {
  for (let step = 0; step < invoices.length; step++) {
    const index = (start + step) % invoices.length;
    if (invoices.field(index, 'Status') !== 'AUTHORISED') continue;
    const due = invoices.field(index, 'AmountDue');
    if (due instanceof Decimal && due.units > 1) return index;
  }
  return undefined;
}

function locate(stream: Stream, { id, nth = 0 }: Edit): number {
  const index = id === undefined ? stream.nthById(nth) : stream.indexOf(id);
  if (index === undefined) throw new EditError(`no such row in ${stream.endpoint.stream}: ${id ?? nth}`);
  return index;
}

function isHidden(row: Row, set: Record<string, unknown>): boolean {
  const amount = (field: string) => (row[field] instanceof Decimal ? row[field].units : 0);
  const partPaid = amount('AmountPaid') > 0 && amount('AmountDue') > 0;
  return partPaid && Object.keys(set).every((field) => HIDDEN_WHEN_PART_PAID.has(field));
}

/** Plain JSON as values of the same kind as the fields it replaces; a date takes its `…String` along. */
function convert(row: Row, set: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(set).flatMap(([field, value]): [string, Value][] => {
      const old = row[field];
      const day = old instanceof XeroDate && typeof value === 'string' ? parseDay(value) : undefined;
      if (day !== undefined) return dated(row, field, day);
      if (old instanceof Decimal && typeof value === 'number') return [[field, Decimal.parse(value, old.scale)]];
      return [[field, value as Value]];
    }),
  );
}

function dated(row: Row, field: string, day: number): [string, Value][] {
  const text: [string, Value][] = `${field}String` in row ? [[`${field}String`, dateString(day)]] : [];
  return [[field, new XeroDate(day * DAY_MS)], ...text];
}
