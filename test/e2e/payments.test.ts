import { randomUUID } from 'node:crypto';
import { ScheduleNotFoundError, ScheduleOverlapPolicy, WorkflowFailedError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { scheduleIds, workflowIds } from '../../domain/names.js';
import type { Books } from '../support/books.js';
import {
  callBack,
  importNow,
  type OpenInvoice,
  ownInvoices,
  payInXero,
  paymentsOf,
  type Receiver,
  startReceiver,
} from '../support/payments.js';
import { type System, startSystem } from '../support/system.js';
import { eventually } from '../support/waiting.js';

let system: System;
const receivers: Receiver[] = [];
beforeAll(async () => {
  system = await startSystem();
  await system.startWorkerHere({});
});
afterEach(() => {
  for (const receiver of receivers.splice(0)) receiver.close();
});
afterAll(() => system?.stop());

const counts = { contacts: 12, invoices: 60, payments: 0, creditNotes: 0 };

/** A platform with open invoices of its own, and payments in switched on. */
async function platform(settings: object = {}): Promise<{ books: Books; company: string; invoices: OpenInvoice[] }> {
  const company = randomUUID();
  const books = await system.connect(await system.organisation({ counts }), { company });
  expect(await books.ended()).toMatchObject({ outcome: 'completed' });
  await system.api.patch(`/connections/${books.id}/settings`, { paymentsIn: true, ...settings });
  return { books, company, invoices: await ownInvoices(system, books, company, 8) };
}

async function receiverFor(books: Books): Promise<Receiver> {
  const receiver = await startReceiver();
  receivers.push(receiver);
  await callBack(system, books, receiver);
  return receiver;
}

const changes = async (company: string, type: string) => {
  const { data } = await system.api.get<{ data: { type: string; externalId: string; xeroId: string }[] }>(
    `/changes?company=${company}&limit=200`,
  );
  return data.filter((each) => each.type === type);
};

test('what was paid in Xero is in the books of the platform after a run, once, however often it runs', async () => {
  const { books, company, invoices } = await platform();
  const [first, second, third] = invoices as [OpenInvoice, OpenInvoice, OpenInvoice];
  await payInXero(system, books, [{ id: first.id }, { id: second.id }, { id: third.id, amount: 0.01 }]);
  expect(await importNow(system, books)).toBe('completed');
  expect(await importNow(system, books)).toBe('completed');
  const found = await paymentsOf(system, books);
  expect(found.map(({ state, code, invoice }) => [state, code, invoice]).toSorted()).toEqual(
    [
      ['imported', null, first.id],
      ['imported', null, second.id],
      ['unmatched', 'amount_differs', third.id],
    ].toSorted(),
  );
  const told = await changes(company, 'payment.imported');
  expect(told.map(({ externalId }) => externalId).toSorted()).toEqual([first.id, second.id].toSorted());
  const [paid] = found.filter(({ state }) => state === 'imported');
  const document = await system.api.get(`/companies/${company}/documents/payment/xero:${paid?.xeroPaymentId}`);
  expect(document).toMatchObject({ state: 'sent', code: 'from_xero', xeroId: paid?.xeroPaymentId });
});

test('the schedule is there while payments are wanted, imports by itself, and goes with the setting', async () => {
  const { books, invoices } = await platform({ paymentsInEveryHours: 6 });
  const schedule = system.client.schedule.getHandle(scheduleIds.payments(books.id));
  const { spec, policies } = await schedule.describe();
  expect(spec.intervals).toMatchObject([{ every: 6 * 3_600_000 }]);
  expect(policies.overlap).toBe(ScheduleOverlapPolicy.SKIP);
  await payInXero(system, books, [{ id: (invoices[0] as OpenInvoice).id }]);
  await schedule.trigger(ScheduleOverlapPolicy.SKIP);
  await eventually(
    'the payment is imported',
    () => paymentsOf(system, books, 'imported'),
    ({ length }) => length === 1,
  );
  await system.api.patch(`/connections/${books.id}/settings`, { paymentsIn: false });
  await expect(schedule.describe()).rejects.toThrow(ScheduleNotFoundError);
});

test('where exports are reviewed a run only finds', async () => {
  const { books, invoices } = await platform({ exportMode: 'reviewed' });
  await payInXero(system, books, [{ id: (invoices[0] as OpenInvoice).id }]);
  expect(await importNow(system, books)).toBe('completed');
  expect(await paymentsOf(system, books)).toMatchObject([{ state: 'unmatched', code: 'awaiting_export' }]);
});

test('with a callback each payment is sent once, signed, and is in the books once it was taken', async () => {
  const { books, company, invoices } = await platform();
  const receiver = await receiverFor(books);
  await payInXero(system, books, invoices.slice(0, 5));
  expect(await importNow(system, books)).toBe('completed');
  expect(await importNow(system, books)).toBe('completed');
  expect([...receiver.attempts.values()]).toEqual([1, 1, 1, 1, 1]);
  expect(receiver.forged).toBe(0);
  expect(receiver.pings).toBeGreaterThan(0);
  expect(await changes(company, 'payment.imported')).toHaveLength(5);
});

test('nothing is claimed while the callback does not answer its ping', async () => {
  const { books, invoices } = await platform();
  const receiver = await receiverFor(books);
  receiver.pong = 500;
  await payInXero(system, books, invoices.slice(0, 2));
  expect(await importNow(system, books)).toBe('callback_failed');
  expect(await paymentsOf(system, books)).toMatchObject([
    { state: 'unmatched', code: 'next_run' },
    { state: 'unmatched', code: 'next_run' },
  ]);
  receiver.pong = 200;
  expect(await importNow(system, books)).toBe('completed');
  expect(await paymentsOf(system, books, 'imported')).toHaveLength(2);
});

test('three failed attempts in a row end the claiming; they are final, and the rest is imported later', async () => {
  const { books, invoices } = await platform();
  const receiver = await receiverFor(books);
  receiver.answer = 422;
  await payInXero(system, books, invoices.slice(0, 6));
  expect(await importNow(system, books)).toBe('callback_failed');
  expect(receiver.attempts.size).toBe(3);
  expect((await paymentsOf(system, books, 'failed')).map(({ code }) => code)).toEqual(
    Array(3).fill('callback_refused'),
  );
  receiver.answer = 200;
  expect(await importNow(system, books)).toBe('completed');
  expect(await paymentsOf(system, books, 'imported')).toHaveLength(3);
  expect(await paymentsOf(system, books, 'failed')).toHaveLength(3);
  expect([...receiver.attempts.values()]).toEqual(Array(6).fill(1));
});

test('a reset of the workflow, to its first step or to the one that imports, imports nothing a second time', async () => {
  const { books, invoices } = await platform();
  const receiver = await receiverFor(books);
  await payInXero(system, books, invoices.slice(0, 3));
  expect(await importNow(system, books)).toBe('completed');
  const handle = system.client.workflow.getHandle(workflowIds.paymentImport(books.id));
  const { runId } = await handle.describe();
  const events = (await handle.fetchHistory()).events ?? [];
  const imports = events.findIndex(
    ({ activityTaskScheduledEventAttributes: each }) => each?.activityType?.name === 'importPayments',
  );
  const tasks = events.slice(0, imports).filter((each) => each.workflowTaskCompletedEventAttributes);
  for (const task of [tasks.at(0), tasks.at(-1)]) {
    await system.client.workflowService.resetWorkflowExecution({
      namespace: system.client.options.namespace,
      workflowExecution: { workflowId: handle.workflowId, runId },
      workflowTaskFinishEventId: task?.eventId,
      requestId: randomUUID(),
      reason: 'a test',
    });
    await handle.result().catch((error: unknown) => expect(error).toBeInstanceOf(WorkflowFailedError));
    expect((await handle.describe()).runId).not.toBe(runId);
  }
  expect([...receiver.attempts.values()]).toEqual([1, 1, 1]);
  expect(await paymentsOf(system, books, 'imported')).toHaveLength(3);
});
