import { Contacts } from './contacts.js';
import { Credits } from './credits.js';
import { Invoices } from './invoices.js';
import { Items } from './items.js';
import { CREDIT_STREAMS, Ledger } from './ledger.js';
import { Lines } from './lines.js';
import { Payments } from './payments.js';
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
    ...Object.fromEntries(CREDIT_STREAMS.map((stream) => [stream, credits.source(stream)])),
  };
}
