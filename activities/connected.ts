import { isLiving } from '../domain/connection.js';
import type { BoundOrganisation, CallContext, Connection, Connections, Priority } from '../domain/ports.js';
import { ended } from './failures.js';

/** A connection that calls can be made for. */
export type Connected = Connection & { organisation: BoundOrganisation; grantId: string };

/** @throws ApplicationFailure `disconnected`; `xero_auth_failed` when Xero refused it, or it has no organisation or no grant. */
export async function connected(connections: Connections, connectionId: string, about: string): Promise<Connected> {
  const connection = await connections.get(connectionId);
  if (connection?.status === 'disconnected') throw ended('disconnected', about);
  if (!connection?.organisation || !connection.grantId || !isLiving(connection.status))
    throw ended('xero_auth_failed', about);
  return { ...connection, organisation: connection.organisation, grantId: connection.grantId };
}

export function callContext(connection: Connected, runId: string, priority: Priority): CallContext {
  return {
    connectionId: connection.id,
    organisationId: connection.organisation.id,
    grantId: connection.grantId,
    runId,
    priority,
  };
}
