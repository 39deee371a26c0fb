import { heartbeat } from '@temporalio/activity';
import type { Connections, ConnectionWork, Deletion, XeroLinks } from '../domain/ports.js';
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

    /** Ends the connections here, so that nothing is read or sent any more, and their runs. */
    async stopCompany(companyId: string): Promise<void> {
      for (const id of await ports.connections.ofCompany(companyId)) {
        await ports.connections.disconnect(id);
        await ports.work.stop(id);
      }
    },

    async buryCompany(companyId: string): Promise<void> {
      await ports.deletion.bury(companyId);
    },

    /** @returns how many links were ended at Xero. */
    async endLinks(companyId: string): Promise<number> {
      const links = await ports.deletion.links(companyId);
      for (const link of links) await ports.links.end(link);
      return links.length;
    },

    /** @returns how many rows were removed. */
    async emptyTable(companyId: string, table: string): Promise<number> {
      let [removed, rows] = [0, 0];
      do {
        removed = await ports.deletion.empty(companyId, table);
        rows += removed;
        heartbeat(rows);
      } while (removed > 0);
      return rows;
    },
  });
}
