import { element } from '../core/lookup.js';
import { draw } from '../core/random.js';
import type { World } from './world.js';

export const INVOICE_STATUSES = ['DRAFT', 'SUBMITTED', 'AUTHORISED', 'PAID', 'VOIDED', 'DELETED'] as const;
const DRAFT = 0;
const SUBMITTED = 1;
const AUTHORISED = 2;
const PAID = 3;
const VOIDED = 4;
const DELETED = 5;

/** Streams whose rows are allocated to invoices. */
export const CREDIT_STREAMS = ['creditNotes', 'prepayments', 'overpayments'] as const;
export type CreditStream = (typeof CREDIT_STREAMS)[number];

/** Payments of neighbouring invoices are dealt out among so many of them, which makes part payments. */
const HAND = 8;
const ALLOCATED_PERCENT = 60;
const DELETED_PAYMENT_PERCENT = 2;
const SETTLED_PERCENT = 85;

export const NOBODY = 0xffff_ffff;

/**
 * Who pays whom: the few columns that cannot be a function of one row's index, because an invoice must know its payments
 * and allocations and they must know it. Computed once when an organisation is made or loaded.
 */
export class Ledger {
  readonly invoiceStatus: Uint8Array;
  readonly firstPayment: Uint32Array;
  readonly paymentCount: Uint16Array;
  /** The invoice of each payment. */
  readonly paidInvoice: Uint32Array;
  /** The invoice each credit is allocated to. */
  readonly allocatedTo: Record<CreditStream, Uint32Array>;
  /** The credit allocated to an invoice. */
  readonly creditOf = new Map<number, { stream: CreditStream; index: number }>();
  private readonly key: number;

  constructor(world: World) {
    const invoices = world.count('invoices');
    this.key = world.key('ledger');
    this.invoiceStatus = Uint8Array.from({ length: invoices }, (_, index) => this.drawStatus(index));
    this.firstPayment = new Uint32Array(invoices);
    this.paymentCount = new Uint16Array(invoices);
    const payable = this.payable();
    this.paidInvoice = new Uint32Array(payable.length === 0 ? 0 : world.count('payments'));
    this.dealPayments(payable);
    this.allocatedTo = this.allocateCredits(world, payable);
    this.markPaid(payable);
  }

  /** Whether a generated payment was deleted again. */
  paymentDeleted(payment: number): boolean {
    return payment < this.paidInvoice.length && draw(this.key ^ 1, payment) % 100 < DELETED_PAYMENT_PERCENT;
  }

  /** Whether the payments of an invoice were meant to pay it in full. */
  settles(invoice: number): boolean {
    return draw(this.key ^ 2, invoice) % 100 < SETTLED_PERCENT;
  }

  private drawStatus(index: number): number {
    if (index === 0) return AUTHORISED;
    const share = draw(this.key, index) % 100;
    if (share < 7) return DRAFT;
    if (share < 9) return SUBMITTED;
    if (share < 13) return VOIDED;
    return share < 15 ? DELETED : AUTHORISED;
  }

  private payable(): Uint32Array {
    const payable = new Uint32Array(this.invoiceStatus.length);
    let length = 0;
    this.invoiceStatus.forEach((status, index) => {
      if (status === AUTHORISED) payable[length++] = index;
    });
    return payable.subarray(0, length);
  }

  private dealPayments(payable: Uint32Array): void {
    const payments = this.paidInvoice.length;
    for (let first = 0; first < payable.length; first += HAND) {
      const players = Math.min(HAND, payable.length - first);
      const from = Math.floor((first * payments) / payable.length);
      const until = Math.floor(((first + players) * payments) / payable.length);
      for (let payment = from; payment < until; payment++) {
        const invoice = element(payable, first + (draw(this.key ^ 3, payment) % players));
        this.paymentCount[invoice] = element(this.paymentCount, invoice) + 1;
      }
      this.numberPayments(payable.subarray(first, first + players), from);
    }
  }

  private numberPayments(hand: Uint32Array, from: number): void {
    let next = from;
    for (const invoice of hand) {
      this.firstPayment[invoice] = next;
      const until = next + element(this.paymentCount, invoice);
      this.paidInvoice.fill(invoice, next, until);
      next = until;
    }
  }

  private allocateCredits(world: World, payable: Uint32Array): Record<CreditStream, Uint32Array> {
    const unpaid = payable.filter((invoice) => this.paymentCount[invoice] === 0);
    const wanted = CREDIT_STREAMS.reduce((total, stream) => total + world.count(stream), 0);
    let asked = 0;
    const allocate = (stream: CreditStream): Uint32Array =>
      Uint32Array.from({ length: world.count(stream) }, (_, index) => {
        const place = wanted <= unpaid.length ? Math.floor((asked * unpaid.length) / wanted) : asked;
        asked++;
        const invoice = unpaid[place];
        if (invoice === undefined || draw(this.key ^ 4, asked) % 100 >= ALLOCATED_PERCENT) return NOBODY;
        this.creditOf.set(invoice, { stream, index });
        return invoice;
      });
    return {
      creditNotes: allocate('creditNotes'),
      prepayments: allocate('prepayments'),
      overpayments: allocate('overpayments'),
    };
  }

  private markPaid(payable: Uint32Array): void {
    for (const invoice of payable) {
      const count = element(this.paymentCount, invoice);
      if (count === 0 || !this.settles(invoice)) continue;
      const first = element(this.firstPayment, invoice);
      let allStand = true;
      for (let payment = first; payment < first + count; payment++) allStand &&= !this.paymentDeleted(payment);
      if (allStand) this.invoiceStatus[invoice] = PAID;
    }
  }
}
