import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { DeletionActivities } from '../activities/index.js';

const step = (summary: string, maximumAttempts?: number) =>
  proxyActivities<DeletionActivities>({
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute', ...(maximumAttempts && { maximumAttempts }) },
    summary,
  });
const { tablesOfCompanies } = step('what is to be emptied');
const { stopCompany } = step('end connections and runs');
const { buryCompany } = step('leave the tombstone');
/** Some minutes; a link that outlives the deletion has no tokens here any more and can do nothing. */
const { endLinks } = step('end the links at Xero', 6);

/**
 * Removes a company with every row it has: runs and links first, so that nothing is written any more, then table by table.
 * What is left is the tombstone. Repeated steps do what is left to do.
 * @returns rows removed, by table.
 */
export async function deleteCompany(companyId: string): Promise<Record<string, number>> {
  const removed: Record<string, number> = {};
  const show = (doing: string) => setCurrentDetails(detailsOf(companyId, doing, removed));
  show('Ending its connections and runs.');
  await stopCompany(companyId);
  await buryCompany(companyId);
  show('Ending its links at Xero.');
  await endLinks(companyId).catch(() => 0);
  for (const table of await tablesOfCompanies()) {
    show(`Emptying ${table}.`);
    removed[table] = await step(`empty ${table}`).emptyTable(companyId, table);
  }
  show('Deleted.');
  return removed;
}

function detailsOf(companyId: string, doing: string, removed: Readonly<Record<string, number>>): string {
  const tables = Object.entries(removed).filter(([, rows]) => rows > 0);
  return [`**${doing}**`, `Company ${companyId}`, ...tables.map(([table, rows]) => `- ${table}: ${rows} rows`)].join(
    '\n\n',
  );
}
