/** What was sent and never answered: found in Xero, or, when it can no longer arrive, known to be absent. */
import type { XeroRecord } from '../domain/documents/facts.js';
import { fingerprintOf } from '../domain/documents/fingerprint.js';
import { documentKinds } from '../domain/documents/kinds.js';
import { found } from '../domain/documents/lookup.js';
import type { AttemptOutcome, OpenAttempt, SettledAttempt } from '../domain/ports.js';
import { XeroRefusal } from '../domain/problems.js';
import { type StreamName, streams } from '../domain/streams.js';
import { changedSince, fetchRecords } from './asking.js';
import type { Patience } from './patience.js';
import { count, type Turn } from './pushTurn.js';

type Open = OpenAttempt & { lookedAt: string | null };

/** Xero's stamps are by its own clock, which may be behind. */
const clocksDifferMs = 600_000;

/** Somebody waits for an answer that did not come. */
const priority = 'people';

/** A look that Xero refused is tried again after so long. */
const lookAgainMs = 60_000;

/** When this is looked up next; milliseconds since 1970. */
function nextLookAt({ absentAfterMs }: Patience, { writtenAt, lookedAt }: Open): number {
  if (lookedAt === null) return Date.parse(writtenAt);
  return Math.max(Date.parse(writtenAt) + absentAfterMs, Date.parse(lookedAt) + Math.min(lookAgainMs, absentAfterMs));
}

/** When the outcomes that are not known are looked up next; null: there are none. */
export function nextLook(patience: Patience, open: readonly Open[]): string | null {
  const [first] = open.map((each) => nextLookAt(patience, each)).sort((one, other) => one - other);
  return first === undefined ? null : new Date(first).toISOString();
}

/**
 * Looks up each outcome that is not known: once at once, and once when what Xero does not have by then will never come. In
 * between it is left alone: an answer that is late changes nothing that was sent again.
 */
export async function lookUp(turn: Turn): Promise<void> {
  const { outbox, mirror } = turn.ports;
  const all = await outbox.open(turn.connection.id);
  if (all.length === 0) return;
  const now = await mirror.now();
  const due = all.filter((each) => nextLookAt(turn.ports.patience, each) <= Date.parse(now));
  for (const stream of new Set(due.map(({ lookup }) => lookup.stream))) {
    await lookUpIn(
      turn,
      stream,
      due.filter(({ lookup }) => lookup.stream === stream),
      now,
    );
  }
}

const isOver = ({ ports: { patience } }: Turn, { writtenAt }: Open, now: string): boolean =>
  Date.parse(now) >= Date.parse(writtenAt) + patience.absentAfterMs;

async function lookUpIn(turn: Turn, stream: StreamName, open: readonly Open[], now: string): Promise<void> {
  const { outbox } = turn.ports;
  const records = await recordsFor(turn, stream, open).catch(nullWhenRefused);
  await outbox.lookedUp([...new Set(open.map(({ callId }) => callId))]);
  if (records === null) return;
  const ids = records.map(({ xeroId }) => xeroId);
  const taken = new Set(await outbox.taken(turn.connection.organisation.id, stream, ids));
  const settled: SettledAttempt[] = [];
  for (const attempt of open) {
    const match = found(attempt.lookup, attempt.sent, records, (xeroId) => taken.has(xeroId));
    if (match !== null) {
      taken.add(match.xeroId);
      settled.push({ attempt, outcome: sentOutcome(attempt, match.record, match.xeroId) });
    } else if (isOver(turn, attempt, now)) settled.push({ attempt, outcome: { outcome: 'absent' } });
  }
  if (settled.length > 0) count(turn, await outbox.settle(turn.connection.id, settled, null, null));
}

/** Xero refuses to answer this: it stops nothing else, and is asked again later. @throws any other error */
function nullWhenRefused(error: unknown): null {
  if (error instanceof XeroRefusal && error.kind !== 'authFailed') return null;
  throw error;
}

/** A record that is known is asked for by its id; a new one is among what changed since the call was sent. */
async function recordsFor(turn: Turn, stream: StreamName, open: readonly Open[]): Promise<XeroRecord[]> {
  const known = open.flatMap(({ lookup }) => lookup.xeroId ?? []);
  const made = open.filter(({ lookup }) => lookup.xeroId === null).map(({ writtenAt }) => Date.parse(writtenAt));
  const byId = known.length === 0 ? [] : await fetchRecords(turn, stream, 'id', known, priority);
  if (made.length === 0) return byId;
  const since = new Date(Math.min(...made) - clocksDifferMs).toISOString();
  return [...byId, ...(await changedSince(turn, stream, since, priority))];
}

function sentOutcome({ own, kind, content }: Open, record: XeroRecord | null, xeroId: string): AttemptOutcome {
  const number = record?.body[streams[documentKinds[kind].stream].numberedBy ?? ''];
  return {
    outcome: 'sent',
    xeroId,
    number: typeof number === 'string' && number !== '' ? number : null,
    fingerprint: own && record !== null ? fingerprintOf(kind, content, record) : null,
    warnings: [],
  };
}
