import { continueAsNew, defineSignal, proxyActivities, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import type { WebhookActivities } from '../activities/index.js';
import { booked, readOptions } from './activities.js';
import { type WebhookInput, type WebhookResult, webhookSignal } from './contract.js';
import { dailyLimit, ReadingRun } from './readingRun.js';

const { facts } = booked('look the connection up');
const { fetchWebhookEvents } = proxyActivities<WebhookActivities>({
  ...readOptions,
  summary: 'fetch what webhooks told of',
});

/** Xero tells of one piece of work in several deliveries. */
const gatherFor = '2 seconds';

const rung = defineSignal(webhookSignal);

/**
 * Fetches what an organisation's webhooks told of, and ends. What that is stands in Postgres: the bell carries nothing.
 * One at a time for an organisation, by its id. Fails with a connection code as the failure's type.
 */
export async function webhookFetch(input: WebhookInput): Promise<WebhookResult> {
  let heard = false;
  setHandler(rung, () => {
    heard = true;
  });
  // Each run of the chain is noted by itself: it has fetched a burst, and ended.
  const run = new ReadingRun('webhook', input.connectionId, 'fetchingEvents', workflowInfo().runId);
  const result = await run.through(async () => {
    const { companyId, syncFromDate } = await facts(input.connectionId);
    run.progress.company = companyId;
    run.progress.syncFromDate = syncFromDate;
    run.show();
    await sleep(gatherFor, { summary: 'let the burst gather' });
    // From here on a bell tells of something that the claim may not have seen: it was rung after the claim turned it off.
    heard = false;
    const counts = await fetchAll(run);
    await run.end('completed');
    return { outcome: 'completed' as const, counts };
  });
  // Temporal lets no run end past a message that it has not read, so no bell is lost between the last claim and this line.
  if (heard) await continueAsNew<typeof webhookFetch>(input);
  return result;
}

async function fetchAll(run: ReadingRun): Promise<WebhookResult['counts']> {
  const { connectionId, runId } = run.reference;
  for (;;) {
    const { outcome, until, counts } = await fetchWebhookEvents({ connectionId, runId });
    run.showChanges(counts);
    if (outcome === 'complete') return counts;
    if (until !== null) await run.nap(dailyLimit, new Date(until));
  }
}
