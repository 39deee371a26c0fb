import { BankTransactions, BankTransfers } from './bank.js';
import { BatchPayments } from './batchPayments.js';
import { Contacts } from './contacts.js';
import { Credits } from './credits.js';
import { Invoices } from './invoices.js';
import { Items } from './items.js';
import { CREDIT_STREAMS, Ledger } from './ledger.js';
import { Lines } from './lines.js';
import { LinkedTransactions } from './linkedTransactions.js';
import { ManualJournals } from './manualJournals.js';
import { Payments } from './payments.js';
import { PurchaseOrders } from './purchaseOrders.js';
import { Quotes } from './quotes.js';
import { settingSources } from './settings.js';
import type { Source, World } from './world.js';

/** All generated streams of an organisation, by name. */
export function generatedSources(world: World): Record<string, Source> {
  const ledger = new Ledger(world);
  const contacts = new Contacts(world);
  const items = new Items(world);
  const lines = new Lines(world, items);
  const invoices = new Invoices(world, ledger, contacts, lines);
  const credits = new Credits(world, ledger, contacts, invoices, lines);
  invoices.attach(credits);
  const payments = new Payments(world, ledger, contacts, invoices);
  return {
    ...settingSources(world),
    contacts,
    items,
    invoices,
    payments,
    batchPayments: new BatchPayments(world, payments),
    bankTransactions: new BankTransactions(world, contacts, lines, credits),
    bankTransfers: new BankTransfers(world),
    purchaseOrders: new PurchaseOrders(world, contacts, lines),
    quotes: new Quotes(world, contacts, lines),
    manualJournals: new ManualJournals(world),
    linkedTransactions: new LinkedTransactions(world, invoices),
    ...Object.fromEntries(CREDIT_STREAMS.map((stream) => [stream, credits.source(stream)])),
  };
}
