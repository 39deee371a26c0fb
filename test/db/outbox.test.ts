import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDocuments } from '../../db/documents.js';
import { createOutbox } from '../../db/outbox.js';
import { createOutboxBells } from '../../db/outboxBells.js';
import type { QueuedDocument } from '../../domain/documents/facts.js';
import type { Lookup } from '../../domain/documents/lookup.js';
import {
  type AttemptOutcome,
  type Documents,
  type DocumentToSave,
  type Outbox,
  type OutboxLease,
  OutboxLost,
  type WrittenAttempt,
} from '../../domain/ports.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';
import { aDocument, type Connected, connectedCompany } from '../support/documents.js';

let database: FreshDatabase;
let documents: Documents;
let outbox: Outbox;
let its: Connected;
beforeAll(async () => {
  database = await freshDatabase();
  documents = createDocuments(database.pool);
  outbox = createOutbox(database.pool);
});
afterAll(() => database.drop());
beforeEach(async () => {
  its = await connectedCompany(database.pool);
});

const leaseMs = 60_000;
const save = (urgent: boolean, ...given: DocumentToSave[]) =>
  documents.save({ companyId: its.companyId, actor: 'user:1', urgent }, given);
const state = async (kind: 'contact' | 'invoice', externalId: string) =>
  documents.get(its.companyId, { kind, externalId });

async function lease(run = 'run'): Promise<OutboxLease> {
  const taken = await outbox.acquire(its.connectionId, run, leaseMs);
  if (taken === null) throw new Error('somebody else has it');
  return taken;
}

async function claimed(held: OutboxLease, urgentOnly = false): Promise<QueuedDocument[]> {
  return [...(await outbox.claim(held, { most: 50, urgentOnly })).documents];
}

const lookup: Lookup = { stream: 'contacts', xeroId: null, holds: {}, allocation: null, gone: false, except: [] };

function write(held: OutboxLease, batch: readonly QueuedDocument[], more: { more?: boolean } = {}) {
  const call = { id: randomUUID(), organisationId: its.organisationId, runId: 'run', method: 'PUT', path: 'Contacts' };
  const attempts = batch.map(({ id: documentId, version }) => ({
    ...{ documentId, version, step: 'document', sent: {}, lookup, own: true, more: false, ...more },
  }));
  return outbox.write(held, call, attempts);
}

const sentAs = (xeroId: string): AttemptOutcome => ({
  ...{ outcome: 'sent', xeroId, number: null, fingerprint: 'f:', warnings: [] },
});
const settle = (attempt: WrittenAttempt, outcome: AttemptOutcome) =>
  outbox.settle(its.connectionId, [{ attempt, outcome }], 200, null);

async function writtenContact(externalId = 'c-1'): Promise<{ held: OutboxLease; attempt: WrittenAttempt }> {
  await save(false, aDocument('contact', externalId));
  const held = await lease();
  const [attempt] = await write(held, await claimed(held));
  return { held, attempt: attempt as WrittenAttempt };
}

describe('who sends', () => {
  test('is one run at a time; a later attempt of the same run takes over from the one before', async () => {
    const first = await lease('one');
    expect(await outbox.acquire(its.connectionId, 'another', leaseMs)).toBeNull();
    const second = await lease('one');
    await save(false, aDocument('contact', 'c-1'));
    await expect(write(first, await claimed(first))).rejects.toThrow(OutboxLost);
    expect(await write(second, await claimed(second))).toHaveLength(1);
    await outbox.release(second);
    expect(await outbox.acquire(its.connectionId, 'another', leaseMs)).not.toBeNull();
  });

  test('turns the bell off before it looks, so what is saved from then on rings again', async () => {
    expect((await save(false, aDocument('contact', 'c-1')))?.bells).toHaveLength(1);
    expect((await save(false, aDocument('contact', 'c-2')))?.bells).toHaveLength(0);
    await lease();
    expect((await save(false, aDocument('contact', 'c-3')))?.bells).toHaveLength(1);
  });
});

describe('what goes next', () => {
  test('is what somebody waits for, then what others stand on, then the oldest; all of one stream', async () => {
    await save(false, aDocument('invoice', 'i-1'), aDocument('contact', 'c-1'), aDocument('contact', 'c-2'));
    await save(true, aDocument('item', 'urgent'));
    const held = await lease();
    const names = async () => (await claimed(held)).map(({ externalId }) => externalId).sort();
    expect(await names()).toEqual(['urgent']);
    expect((await claimed(held, true)).map(({ kind }) => kind)).toEqual(['item']);
    await write(held, await claimed(held));
    expect(await names()).toEqual(['c-1', 'c-2']);
    expect(await outbox.claim(held, { most: 1, urgentOnly: false })).toMatchObject({ urgent: false, left: 2 });
  });

  test.each([
    ['writing is paused', `UPDATE writes SET paused_at = now()`],
    ['the connection is paused', `UPDATE connection SET paused_at = now()`],
    ['the connection is not active', `UPDATE connection SET status = 'backfilling'`],
  ])('is nothing while %s', async (_name, statement) => {
    await save(false, aDocument('contact', 'c-1'));
    const held = await lease();
    await database.pool.query(statement);
    expect(await claimed(held)).toEqual([]);
    await database.pool.query('UPDATE writes SET paused_at = NULL');
    await database.pool.query(`UPDATE connection SET paused_at = NULL, status = 'active'`);
    expect(await claimed(held)).toHaveLength(1);
  });

  test('is told with what stands in Xero and every step that was sent; asked for once more, none of them counts for it', async () => {
    const { held, attempt } = await writtenContact();
    const xeroId = randomUUID();
    await settle(attempt, sentAs(xeroId));
    await save(false, aDocument('contact', 'c-1', { name: 'Ada Moss' }));
    const [next] = await claimed(held);
    expect(next).toMatchObject({ version: 2, sentVersion: 1, xeroId, fingerprint: 'f:', again: false });
    expect(next?.sentContent).toMatchObject({ name: 'Ada Fern' });
    expect(next?.done).toEqual([{ step: 'document', version: 1, sent: {}, xeroId }]);
    const [second] = await write(held, [next as QueuedDocument]);
    await settle(second as WrittenAttempt, sentAs(xeroId));
    const reference = { kind: 'contact', externalId: 'c-1' } as const;
    await documents.wish({ companyId: its.companyId, actor: null, urgent: true }, reference, { wish: 'resync' });
    const [again] = await claimed(held);
    expect(again).toMatchObject({ version: 2, again: true });
    expect(again?.done.map(({ version }) => version)).toEqual([1, 1]);
  });
});

describe('a call', () => {
  test('is noted with its documents before it is sent, and nobody claims them meanwhile', async () => {
    const { held } = await writtenContact();
    expect(await state('contact', 'c-1')).toMatchObject({ state: 'sending' });
    expect(await claimed(held)).toEqual([]);
    expect(await outbox.open(its.connectionId)).toMatchObject([{ step: 'document', lookedAt: null, path: 'Contacts' }]);
    expect((await lease()).anyOpen).toBe(true);
  });

  test('leaves out what has changed since it was claimed', async () => {
    await save(false, aDocument('contact', 'c-1'), aDocument('contact', 'c-2'));
    const held = await lease();
    const batch = await claimed(held);
    await save(false, aDocument('contact', 'c-1', { name: 'Ada Moss' }));
    const written = await write(held, batch);
    expect(written.map(({ documentId }) => documentId)).toEqual([
      batch.find(({ externalId }) => externalId === 'c-2')?.id,
    ]);
  });

  test('that was surely never carried out leaves no trace', async () => {
    const { held, attempt } = await writtenContact();
    await outbox.takeBack(attempt.callId);
    expect(await state('contact', 'c-1')).toMatchObject({ state: 'queued' });
    expect(await outbox.open(its.connectionId)).toEqual([]);
    expect(await claimed(held)).toHaveLength(1);
  });

  test('has one outcome: whoever comes second changes nothing', async () => {
    const { attempt } = await writtenContact();
    const xeroId = randomUUID();
    expect(await settle(attempt, sentAs(xeroId))).toEqual({ sent: 1 });
    expect(await settle(attempt, { outcome: 'absent' })).toEqual({});
    expect(await state('contact', 'c-1')).toMatchObject({ state: 'sent', synced: true, xeroId });
  });
});

describe('an outcome', () => {
  test('wakes what waits for the document, and tells the feed', async () => {
    await save(false, aDocument('invoice', 'i-1'));
    const held = await lease();
    const [invoice] = await claimed(held);
    await outbox.decide(held, [
      {
        ...{ documentId: invoice?.id as string, version: 1, record: null, errors: [] },
        ...{ state: 'waiting', code: 'parent_not_sent' },
      },
    ]);
    const { attempt } = await writtenContact();
    expect(await settle(attempt, sentAs(randomUUID()))).toEqual({ queued: 1, sent: 1 });
    expect(await state('invoice', 'i-1')).toMatchObject({ state: 'queued', code: null });
    const { rows } = await database.pool.query('SELECT type, external_id FROM feed_event WHERE company_id = $1', [
      its.companyId,
    ]);
    expect(rows).toEqual([{ type: 'document.sent', external_id: 'c-1' }]);
  });

  test('of an older version keeps the record, and the newer version goes next', async () => {
    const { held, attempt } = await writtenContact();
    await save(false, aDocument('contact', 'c-1', { name: 'Ada Moss' }));
    const xeroId = randomUUID();
    await settle(attempt, sentAs(xeroId));
    expect(await state('contact', 'c-1')).toMatchObject({ state: 'queued', xeroId, version: 2 });
    expect(await claimed(held)).toMatchObject([{ version: 2, sentVersion: 1, xeroId }]);
  });

  test('with steps left queues the document for the next one', async () => {
    await save(false, aDocument('contact', 'c-1'));
    const held = await lease();
    const [attempt] = await write(held, await claimed(held), { more: true });
    expect(await settle(attempt as WrittenAttempt, sentAs(randomUUID()))).toEqual({ queued: 1 });
    expect(await claimed(held)).toMatchObject([{ sentVersion: null, done: [{ step: 'document', version: 1 }] }]);
  });

  test('that is a record of another document is refused: one record is one document', async () => {
    const first = await writtenContact('c-1');
    const xeroId = randomUUID();
    await settle(first.attempt, sentAs(xeroId));
    const second = await writtenContact('c-2');
    expect(await settle(second.attempt, sentAs(xeroId))).toEqual({ failed: 1 });
    expect(await state('contact', 'c-2')).toMatchObject({ state: 'failed', code: 'number_taken', xeroId: null });
  });

  test('of a document that a person has put aside meanwhile is kept, and the document stays where they put it', async () => {
    const { attempt } = await writtenContact();
    const [context, reference] = [
      { companyId: its.companyId, actor: null, urgent: true },
      { kind: 'contact', externalId: 'c-1' } as const,
    ];
    await documents.wish(context, reference, { wish: 'exclude' });
    const xeroId = randomUUID();
    await settle(attempt, sentAs(xeroId));
    expect(await state('contact', 'c-1')).toMatchObject({ xeroId });
    expect(await outbox.open(its.connectionId)).toEqual([]);
    expect(await createOutboxBells(database.pool).ofConnection(its.connectionId)).toBeNull();
  });
});
