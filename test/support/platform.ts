/** A platform with a company whose books stand in a Xero organisation, connected both ways and read. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { DocumentKind } from '../../domain/documents/kinds.js';
import { workflowIds } from '../../domain/names.js';
import type { Books } from './books.js';
import type { System } from './system.js';
import { eventually } from './waiting.js';

/** A document as the API answers it, as far as tests look at it. */
export interface DocumentView {
  kind: DocumentKind;
  externalId: string;
  version: number;
  state: string;
  code?: string;
  errors: { code: string; field: string | null; message: string }[];
  synced: boolean;
  xeroId: string | null;
  xeroNumber: string | null;
  xeroUrl: string | null;
}

export interface AttemptView {
  step: string;
  attempt: number;
  version: number;
  outcome: string | null;
}

const today = (): string => new Date().toISOString().slice(0, 10);

/** What a platform saves, valid as it is. */
export const contentOf = {
  contact: (name: string = randomUUID()) => ({ name }),
  invoice: (contact: string, more: object = {}) => ({
    contact,
    date: today(),
    dueDate: today(),
    lineAmountTypes: 'noTax',
    lines: [{ description: 'Ferns', quantity: '2', unitAmount: '10.00', taxType: 'NONE' }],
    total: '20.00',
    ...more,
  }),
  payment: (invoice: string, amount = '20.00') => ({ invoice, amount, date: today(), account: '090' }),
};

export class Platform {
  constructor(
    private readonly system: System,
    readonly company: string,
    readonly books: Books,
  ) {}

  get outbox(): WorkflowHandle {
    return this.system.client.workflow.getHandle(workflowIds.outbox(this.books.id));
  }

  save(kind: DocumentKind, externalId: string, content: object, wait?: string): Promise<DocumentView> {
    return this.system.api.put(this.path(kind, externalId, wait === undefined ? '' : `?wait=${wait}`), content);
  }

  saveAll(documents: readonly { kind: DocumentKind; externalId: string; content: object }[]): Promise<unknown> {
    const bodies = documents.map(({ kind, externalId, content }) => ({ kind, externalId, ...content }));
    return this.system.api.post(`/companies/${this.company}/documents`, { documents: bodies });
  }

  document(kind: DocumentKind, externalId: string): Promise<DocumentView> {
    return this.system.api.get(this.path(kind, externalId));
  }

  remove(kind: DocumentKind, externalId: string): Promise<DocumentView> {
    return this.system.api.delete(this.path(kind, externalId));
  }

  wish(kind: DocumentKind, externalId: string, wish: string, body: object = {}): Promise<DocumentView> {
    return this.system.api.post(`${this.path(kind, externalId)}/${wish}`, body);
  }

  async attempts(kind: DocumentKind, externalId: string): Promise<AttemptView[]> {
    const { data } = await this.system.api.get<{ data: AttemptView[] }>(`${this.path(kind, externalId)}/attempts`);
    return data;
  }

  /** Until the document stands as wished. */
  until(kind: DocumentKind, externalId: string, state: string): Promise<DocumentView> {
    return eventually(
      `${kind} ${externalId} is ${state}`,
      () => this.document(kind, externalId),
      (now) => now.state === state,
    );
  }

  /** Documents of the company by state. */
  async states(): Promise<Record<string, number>> {
    const { rows } = await this.system.database.pool.query<{ state: string; count: number }>(
      'SELECT state, count(*)::int AS count FROM document WHERE company_id = $1 GROUP BY state',
      [this.company],
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** A record as the simulator has it. */
  async record(endpoint: string, xeroId: string): Promise<Record<string, unknown>> {
    const { rows } = await this.system.database.pool.query<{ body: Record<string, unknown> }>(
      'SELECT body FROM record WHERE organisation_id = $1 AND xero_id = $2',
      [this.books.organisation, xeroId],
    );
    if (rows[0] === undefined) throw new Error(`the mirror has no ${endpoint} ${xeroId}`);
    return rows[0].body;
  }

  /** How many records of a stream hold this value, by the simulator's own count. */
  async inXero(stream: string, field: string, value: string): Promise<number> {
    const query = new URLSearchParams({ field, value });
    const path = `/organisations/${this.books.organisation}/truth/${stream}/matching?${query}`;
    return (await this.system.xero<{ ids: string[] }>('GET', path)).ids.length;
  }

  /** Calls that wrote so far, by the simulator's own count. */
  async calls(): Promise<number> {
    return (await this.books.usage()).calls.total;
  }

  private path(kind: DocumentKind, externalId: string, query = ''): string {
    return `/companies/${this.company}/documents/${kind}/${encodeURIComponent(externalId)}${query}`;
  }
}

/** Connects a company both ways, sets what two-way needs, and waits until its first read is done. */
export async function connectBothWays(
  system: System,
  organisationWish: Record<string, unknown> = {},
): Promise<Platform> {
  const organisation = await system.organisation({ counts: { contacts: 5, items: 3 }, ...organisationWish });
  const company = randomUUID();
  const books = await system.connect(organisation, { company, direction: 'two-way' });
  await system.api.patch(`/connections/${books.id}/settings`, { accounts: { sales: '200', purchases: '300' } });
  const { outcome } = await books.ended();
  if (outcome !== 'completed') throw new Error(`the first read ended as ${outcome}`);
  return new Platform(system, company, books);
}
