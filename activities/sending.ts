/** The calls of a batch: each noted, sent, and settled before the next one. */
import { type DocumentCode, documentCodes } from '../domain/codes.js';
import type { QueuedDocument } from '../domain/documents/facts.js';
import { fingerprintOf } from '../domain/documents/fingerprint.js';
import { found } from '../domain/documents/lookup.js';
import { isLiving } from '../domain/documents/records.js';
import type {
  AnsweredRecords,
  AttemptOutcome,
  AttemptToWrite,
  DocumentError,
  Priority,
  SettledAttempt,
  WriteAnswer,
  WriteOutcome,
  WrittenAttempt,
} from '../domain/ports.js';
import { MustWait, type XeroFault, XeroRefusal } from '../domain/problems.js';
import { streams } from '../domain/streams.js';
import { fetchRecords } from './asking.js';
import { callContext } from './connected.js';
import { lookUp } from './lookingUp.js';
import type { Planned } from './planning.js';
import { BudgetWait, count, type Turn } from './pushTurn.js';

/** Xero takes 3.5 MB a call (xero-api.md §3); what stands around the elements is little. */
const mostBytes = 3_400_000;

/** Sends what was planned, call by call, as long as the turn lasts; what is left stays queued. @returns whether nothing is. */
export async function sendPlans(turn: Turn, planned: readonly Planned[], priority: Priority): Promise<boolean> {
  for (const call of callsOf(planned)) {
    if (turn.ports.elapsed() >= turn.endsAt) return false;
    await sendCall(turn, call, priority);
  }
  return true;
}

/** Elements of one method and path go together, as many as fit; where the path names a record, each alone. */
function callsOf(planned: readonly Planned[]): Planned[][] {
  const calls: { place: string; bytes: number; parts: Planned[] }[] = [];
  for (const part of planned) {
    const { method, path, collection, element } = part.plan;
    const place = `${method} ${path}`;
    const bytes = Buffer.byteLength(JSON.stringify(element));
    const open = calls.findLast((call) => call.place === place);
    if (open === undefined || collection === null || open.bytes + bytes > mostBytes) {
      calls.push({ place, bytes, parts: [part] });
    } else {
      open.parts.push(part);
      open.bytes += bytes + 1;
    }
  }
  return calls.map(({ parts }) => parts);
}

async function sendCall(turn: Turn, parts: readonly Planned[], priority: Priority): Promise<void> {
  const { ports, connection, lease, runId } = turn;
  const [{ plan }] = parts as [Planned];
  const { method, path } = plan;
  const id = ports.newId();
  const call = { id, organisationId: connection.organisation.id, runId, method, path };
  const written = await ports.outbox.write(lease, call, parts.map(attemptOf));
  // A document that has changed since it was claimed is queued with what it is now.
  if (written.length < parts.length) turn.anyQueued = true;
  if (written.length === 0) return;
  const { stream } = plan.lookup;
  const elements = written.flatMap(({ sent }) => (sent === null ? [] : [sent]));
  const write = { method, path, elements, idempotencyKey: id, stream };
  const answer = await ports.writer.write(callContext(connection, runId, priority), write);
  await settleAnswer(turn, { id, path, priority, parts, written }, answer);
}

function attemptOf({ document, plan }: Planned): AttemptToWrite {
  const { step, element: sent, lookup, own, more } = plan;
  return { documentId: document.id, version: document.version, step, sent, lookup, own, more };
}

interface SentCall {
  id: string;
  path: string;
  priority: Priority;
  parts: readonly Planned[];
  written: readonly WrittenAttempt[];
}

async function settleAnswer(turn: Turn, call: SentCall, answer: WriteAnswer): Promise<void> {
  switch (answer.kind) {
    case 'answered':
      return await settleOutcomes(turn, call, answer.status, answer.outcomes);
    case 'notCarriedOut':
      return await notCarriedOut(turn, call, answer.problem);
    case 'unknown':
      await turn.ports.outbox.outcomeUnknown(call.id);
      return await lookUp(turn);
  }
}

async function settleOutcomes(
  turn: Turn,
  call: SentCall,
  status: number,
  outcomes: readonly WriteOutcome[],
): Promise<void> {
  const settled: SettledAttempt[] = [];
  for (const [index, attempt] of call.written.entries()) {
    const outcome = outcomes[index] as WriteOutcome;
    if (outcome.kind === 'unknown') continue;
    settled.push({ attempt, outcome: await outcomeOf(turn, call, attempt, outcome) });
  }
  const { outbox } = turn.ports;
  count(turn, await outbox.settle(turn.connection.id, settled, status, recordsOf(call, outcomes)));
  if (settled.length === call.written.length) return;
  await outbox.outcomeUnknown(call.id);
  await lookUp(turn);
}

/** Records of the stream itself; what lies below one, as an allocation does, is no record of the mirror. */
function recordsOf({ path, written }: SentCall, outcomes: readonly WriteOutcome[]): AnsweredRecords | null {
  const { lookup, writtenAt: readAt } = written[0] as WrittenAttempt;
  const { stream } = lookup;
  const [endpoint, , inner] = path.split('/');
  if (endpoint !== streams[stream].endpoint || inner !== undefined) return null;
  return { stream, readAt, texts: outcomes.flatMap((each) => (each.kind === 'sent' ? (each.text ?? []) : [])) };
}

async function outcomeOf(
  turn: Turn,
  call: SentCall,
  attempt: WrittenAttempt,
  outcome: Exclude<WriteOutcome, { kind: 'unknown' }>,
): Promise<AttemptOutcome> {
  const { document, plan } = call.parts.find((part) => part.document.id === attempt.documentId) as Planned;
  if (outcome.kind === 'sent') return sentOutcome(attempt, document, plan.warnings, outcome);
  if (outcome.code === 'number_taken' && plan.method === 'PUT') {
    return await numberTaken(turn, attempt, document, call.priority, outcome.words);
  }
  return refused(outcome.code, outcome.words);
}

function sentOutcome(
  { own, kind, lookup }: WrittenAttempt,
  { content }: QueuedDocument,
  warnings: readonly DocumentError[],
  { xeroId, number, text, warnings: words }: Extract<WriteOutcome, { kind: 'sent' }>,
): AttemptOutcome {
  const all = [...warnings, ...errorsOf('validation', words)];
  const fingerprint = own && text !== null ? fingerprintOf(kind, content, { body: JSON.parse(text) }) : null;
  return { outcome: 'sent', xeroId: xeroId ?? lookup.xeroId, number, fingerprint, warnings: all };
}

const errorsOf = (code: DocumentCode, words: readonly string[]): DocumentError[] =>
  words.map((message) => ({ code, field: null, message }));

function refused(code: DocumentCode, words: readonly string[], state: 'failed' | 'held' = 'failed'): AttemptOutcome {
  const told = words.length > 0 ? words : [documentCodes[code].message];
  return { outcome: 'refused', state, code, errors: errorsOf(code, told) };
}

/**
 * Xero has the number already. It may be our own, of a call whose answer was lost; else it is somebody's who typed it in, and
 * a person decides; a voided number stays taken (rules.md, "Documents in Xero").
 */
async function numberTaken(
  turn: Turn,
  { lookup, sent }: WrittenAttempt,
  { id, kind, content }: QueuedDocument,
  priority: Priority,
  words: readonly string[],
): Promise<AttemptOutcome> {
  const { stream } = lookup;
  const number = sent?.[streams[stream].numberedBy ?? ''];
  if (typeof number !== 'string') return refused('number_taken', words);
  const records = await fetchRecords(turn, stream, 'number', [number], priority).catch(noneWhenRefused);
  const ids = records.map(({ xeroId }) => xeroId);
  const taken = new Set(await turn.ports.outbox.taken(turn.connection.organisation.id, stream, ids));
  const ours = found(lookup, sent, records, (xeroId) => taken.has(xeroId));
  if (ours?.record && isOurs(ours.record.body, id)) {
    const fingerprint = fingerprintOf(kind, content, ours.record);
    return { outcome: 'sent', xeroId: ours.xeroId, number, fingerprint, warnings: [] };
  }
  const suspected = records.some((record) => isLiving(record) && !taken.has(record.xeroId));
  return suspected ? refused('duplicate_suspected', words, 'held') : refused('number_taken', words);
}

/** What Xero would not look for stays as it said. @throws any other error: the outcome is looked up again */
function noneWhenRefused(error: unknown): [] {
  if (error instanceof XeroRefusal && error.kind !== 'authFailed') return [];
  throw error;
}

/** What we make carries the document's id in its Url or its Reference. */
const isOurs = (body: object, documentId: string): boolean => {
  const { Url, Reference } = body as { Url?: unknown; Reference?: unknown };
  return [Url, Reference].some((value) => typeof value === 'string' && value.includes(documentId));
};

/** Nothing stands in Xero: the documents are queued as before, unless the call can never succeed. */
async function notCarriedOut(turn: Turn, call: SentCall, problem: MustWait | XeroFault | XeroRefusal): Promise<void> {
  const { outbox } = turn.ports;
  if (problem instanceof XeroRefusal && problem.kind !== 'authFailed') {
    const settled = call.written.map((attempt) => ({ attempt, outcome: finalOutcome(attempt, problem) }));
    count(turn, await outbox.settle(turn.connection.id, settled, problem.status, null));
    return;
  }
  await outbox.takeBack(call.id);
  throw problem instanceof MustWait ? new BudgetWait(problem, call.priority) : problem;
}

function finalOutcome({ lookup }: WrittenAttempt, { kind }: XeroRefusal): AttemptOutcome {
  if (kind === 'scopeMissing') return refused('xero_auth_failed', []);
  if (kind !== 'notFound') return refused('could_not_send', []);
  if (!lookup.gone) return refused('xero_id_unknown', []);
  return { outcome: 'sent', xeroId: lookup.xeroId, number: null, fingerprint: null, warnings: [] };
}
