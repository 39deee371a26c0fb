import type { Connections, ConnectionWork, Deletion, XeroLinks } from '../domain/ports.js';
import { beating } from './beating.js';
import { guarded } from './failures.js';

export interface DeletionPorts {
  connections: Pick<Connections, 'ofCompany' | 'disconnect'>;
  deletion: Deletion;
  links: XeroLinks;
  work: ConnectionWork;
}

/** Activities that remove a company. Each may be repeated, and does what is left to do. */
export function createDeletionActivities(ports: DeletionPorts) {
  return guarded({
    /** The tables in the order in which they are emptied. */
    async tablesOfCompanies(): Promise<string[]> {
      return [...ports.deletion.tables];
    },

    /**
     * Ends the connections here, so that nothing is read or sent any more, and waits for the end of their runs: a call that
     * is still under way would be counted in tables that are emptied meanwhile.
     */
    async stopCompany(companyId: string): Promise<void> {
      const ids = await ports.connections.ofCompany(companyId);
      await beating(() => Promise.all(ids.map((id) => stopConnection(ports, id))));
    },

    async buryCompany(companyId: string): Promise<void> {
      await ports.deletion.bury(companyId);
    },

    /** @returns how many links were ended at Xero. */
    async endLinks(companyId: string): Promise<number> {
      const links = await ports.deletion.links(companyId);
      await beating(async () => {
        for (const link of links) await ports.links.end(link);
      });
      return links.length;
    },

    /** @returns how many rows were removed. */
    async emptyTable(companyId: string, table: string): Promise<number> {
      let [removed, rows] = [0, 0];
      await beating(async () => {
        do {
          removed = await ports.deletion.empty(companyId, table);
          rows += removed;
        } while (removed > 0);
      });
      return rows;
    },
  });
}

async function stopConnection({ connections, work }: DeletionPorts, id: string): Promise<void> {
  await connections.disconnect(id);
  await work.stop(id);
}
