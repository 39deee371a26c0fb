/** What is to be done about a batch of documents; what the rules want to know first is asked of Xero. */
import { cancellationSignal } from '@temporalio/activity';
import { documentCodes } from '../domain/codes.js';
import type { ContactGroup, QueuedDocument } from '../domain/documents/facts.js';
import { type FetchPlan, type Plan, planDocument, type SendPlan } from '../domain/documents/plan.js';
import type { Decision, LookedUp, Priority } from '../domain/ports.js';
import { XeroRefusal } from '../domain/problems.js';
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
    const refused = await askFor(turn, wanted, asked, priority);
    for (const { id } of open) {
      if (refused.includes(plans.get(id) as FetchPlan)) plans.set(id, couldNotSend);
      else plans.delete(id);
    }
    open = open.filter(({ id }) => !plans.has(id));
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

/** Asks everything of one kind at once. @returns the plans whose question Xero refuses. */
async function askFor(
  turn: Turn,
  wanted: readonly FetchPlan[],
  asked: Asked,
  priority: Priority,
): Promise<FetchPlan[]> {
  const refused: FetchPlan[] = [];
  for (const place of new Set(wanted.map(placeOf))) {
    const plans = wanted.filter((plan) => placeOf(plan) === place);
    const [{ stream, by }] = plans as [FetchPlan];
    const values = plans.flatMap((plan) => plan.values);
    try {
      await askOne(turn, stream, by, values, asked, priority);
    } catch (error) {
      if (!(error instanceof XeroRefusal) || error.kind === 'authFailed') throw error;
      refused.push(...plans);
    }
  }
  return refused;
}

const placeOf = ({ stream, by }: FetchPlan): string => `${stream} ${by}`;

async function askOne(
  turn: Turn,
  stream: FetchPlan['stream'],
  by: FetchPlan['by'],
  values: readonly string[],
  asked: Asked,
  priority: Priority,
): Promise<void> {
  const { ports, connection, runId } = turn;
  if (stream === 'contactGroups') {
    const context = callContext(connection, runId, priority);
    asked.contactGroups = await ports.xero
      .contactGroups(context, cancellationSignal())
      .catch((error) => waitOf(error, priority));
    return;
  }
  await fetchRecords(turn, stream, by, values, priority);
  asked.lookedUp.push(...values.map((value) => ({ stream, by, value })));
}

async function settle(
  turn: Turn,
  documents: readonly QueuedDocument[],
  plans: ReadonlyMap<string, Plan>,
): Promise<void> {
  const decisions = documents.flatMap((document) => {
    const plan = plans.get(document.id) ?? couldNotSend;
    return plan.do === 'send' && isDone(document, plan)
      ? decisionOf(document, couldNotSend)
      : decisionOf(document, plan);
  });
  if (decisions.length > 0) count(turn, await turn.ports.outbox.decide(turn.lease, decisions));
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
