import { mappingFaults } from '../domain/mappings.js';
import type { Charts, Connections, SettingsStore } from '../domain/ports.js';
import { guarded } from './failures.js';

export interface MappingPorts {
  connections: Pick<Connections, 'get'>;
  settings: Pick<SettingsStore, 'get'>;
  charts: Charts;
}

/** Activities that hold the settings of a connection against its organisation's books. They change nothing. */
export function createMappingActivities(ports: MappingPorts) {
  return guarded({
    /**
     * The settings that are missing or do not fit, each once, by our own names for them (`accounts.payments`): what the
     * platform calls its methods and locations stays out of Temporal. None for a connection that only imports. Where the
     * chart could not be read, only what is missing altogether.
     * @throws ApplicationFailure `fault`, which Temporal tries again
     */
    async mappingFaults(connectionId: string): Promise<string[]> {
      return await faultySettings(ports, connectionId);
    },
  });
}

async function faultySettings({ connections, settings, charts }: MappingPorts, connectionId: string) {
  const connection = await connections.get(connectionId);
  const chosen = await settings.get(connectionId);
  if (connection === null || chosen === null) throw new Error('no such connection');
  const faults = mappingFaults(chosen, connection.direction, await charts.of(connection));
  return [...new Set(faults.map(({ setting }) => setting))];
}
