/** Documents of a company with or without a connection, for tests of what is saved and what becomes of it. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { DocumentKind } from '../../domain/documents/kinds.js';
import type { DocumentToSave } from '../../domain/ports.js';

export interface Connected {
  companyId: string;
  connectionId: string;
  organisationId: string;
}

/** A company, synced as a whole through a connection in that status. */
export async function connectedCompany(pool: pg.Pool, status = 'active', direction = 'two-way'): Promise<Connected> {
  const ids = { companyId: `company-${randomUUID()}`, connectionId: randomUUID(), organisationId: randomUUID() };
  await pool.query(`INSERT INTO company (id, name, sync_by) VALUES ($1, 'Test', 'company')`, [ids.companyId]);
  await pool.query(`INSERT INTO organisation (id, company_id, name) VALUES ($1, $2, 'Test')`, [
    ids.organisationId,
    ids.companyId,
  ]);
  await pool.query(
    `INSERT INTO connection (id, company_id, direction, organisation_id, status, backfilled_at)
     VALUES ($1, $2, $3, $4, $5, now())`,
    [ids.connectionId, ids.companyId, direction, ids.organisationId, status],
  );
  return ids;
}

/** What a platform could save, valid as it is. */
export const contents = {
  contact: { name: 'Ada Fern', role: 'customer' },
  item: { code: 'PLANT' },
  invoice: {
    contact: 'c-1',
    date: '2026-10-01',
    lineAmountTypes: 'exclusive',
    lines: [{ description: 'Ferns', quantity: '2', unitAmount: '10.00' }],
    total: '23.00',
  },
  payment: { invoice: 'i-1', amount: '23.00', date: '2026-10-02', account: '090' },
} as const;

type Kind = keyof typeof contents & DocumentKind;

export function aDocument(kind: Kind, externalId: string, more: object = {}, sourceVersion: number | null = null) {
  const content = { ...contents[kind], ...more } as DocumentToSave['content'];
  return { kind, externalId, content, sourceVersion } satisfies DocumentToSave;
}
