/** What is to be done about a batch of documents; what the rules want to know first is asked of Xero. */
import { cancellationSignal } from '@temporalio/activity';
import { documentCodes } from '../domain/codes.js';
import type { ContactGroup, QueuedDocument } from '../domain/documents/facts.js';
import { type FetchPlan, type Plan, planDocument, type SendPlan } from '../domain/documents/plan.js';
import type { Decision, LookedUp, Priority } from '../domain/ports.js';
import { fetchRecords } from './asking.js';
import { callContext } from './connected.js';
import { count, type Turn, waitOf } from './pushTurn.js';

/** A document that is to be sent. */
export interface Planned {
  document: QueuedDocument;
  plan: SendPlan;
}

/** What Xero was asked for this batch. */
interface Asked {
  lookedUp: LookedUp[];
  contactGroups: ContactGroup[] | null;
}

/** Rounds of questions: a record, what it was merged into, and the groups. */
const mostRounds = 5;

/** Settles what needs no call, and answers what is to be sent, in the order given. */
export async function planBatch(
  turn: Turn,
  documents: readonly QueuedDocument[],
  priority: Priority,
): Promise<Planned[]> {
  const asked: Asked = { lookedUp: [], contactGroups: null };
  const plans = new Map<string, Plan>();
  let open = documents;
  for (let round = 0; open.length > 0 && round < mostRounds; round++) {
    for (const [id, plan] of await planAll(turn, open, asked)) plans.set(id, plan);
    open = documents.filter(({ id }) => plans.get(id)?.do === 'fetch');
    const wanted = [...plans.values()].filter((plan): plan is FetchPlan => plan.do === 'fetch');
    if (open.length > 0) await askFor(turn, wanted, asked, priority);
    for (const { id } of open) plans.delete(id);
  }
  await settle(turn, documents, plans);
  return documents.flatMap((document) => {
    const plan = plans.get(document.id);
    return plan?.do === 'send' && !isDone(document, plan) ? [{ document, plan }] : [];
  });
}

async function planAll(turn: Turn, documents: readonly QueuedDocument[], asked: Asked): Promise<[string, Plan][]> {
  const { ports, connection } = turn;
  const facts = await ports.pushFacts.load(connection.id, documents, asked.lookedUp, asked.contactGroups);
  if (facts === null) throw new Error('the chart of the organisation was not read yet');
  return documents.map((document) => [document.id, safely(() => planDocument(document, facts))]);
}

/** One document that the rules stumble over stops no other. */
function safely(plan: () => Plan): Plan {
  try {
    return plan();
  } catch {
    return couldNotSend;
  }
}

const couldNotSend: Plan = {
  do: 'settle',
  state: 'failed',
  code: 'could_not_send',
  errors: [{ code: 'could_not_send', field: null, message: documentCodes.could_not_send.message }],
};

/** A step is sent once for a version, whatever the rules say. */
function isDone({ done, version }: QueuedDocument, plan: SendPlan): boolean {
  return done.some((each) => each.step === plan.step && each.version === version);
}

async function askFor(turn: Turn, wanted: readonly FetchPlan[], asked: Asked, priority: Priority): Promise<void> {
  const { ports, connection, runId } = turn;
  const places = new Map<string, FetchPlan & { values: string[] }>();
  for (const plan of wanted) {
    const place = `${plan.stream} ${plan.by}`;
    const before = places.get(place)?.values ?? [];
    places.set(place, { ...plan, values: [...before, ...plan.values] });
  }
  for (const { stream, by, values } of places.values()) {
    if (stream === 'contactGroups') {
      asked.contactGroups = await ports.xero
        .contactGroups(callContext(connection, runId, priority), cancellationSignal())
        .catch((error) => waitOf(error, priority));
      continue;
    }
    await fetchRecords(turn, stream, by, values, priority);
    asked.lookedUp.push(...values.map((value) => ({ stream, by, value })));
  }
}

async function settle(
  { ports, lease, done }: Turn,
  documents: readonly QueuedDocument[],
  plans: ReadonlyMap<string, Plan>,
): Promise<void> {
  const decisions = documents.flatMap((document) => {
    const plan = plans.get(document.id) ?? couldNotSend;
    return plan.do === 'send' && isDone(document, plan)
      ? decisionOf(document, couldNotSend)
      : decisionOf(document, plan);
  });
  if (decisions.length > 0) count(done, await ports.outbox.decide(lease, decisions));
}

function decisionOf({ id: documentId, version }: QueuedDocument, plan: Plan): Decision[] {
  if (plan.do === 'settle') {
    const { state, code, errors } = plan;
    return [{ documentId, version, state, code, errors, record: null }];
  }
  if (plan.do !== 'link') return [];
  const { xeroId, number, fingerprint, code } = plan;
  return [{ documentId, version, state: 'sent', code, errors: [], record: { xeroId, number, fingerprint } }];
}
