/** A connection's statuses (closed list of api.md) and the moves between them. */
export const connectionStatuses = [
  'pending',
  'choosingOrganisation',
  'syncingContacts',
  'awaitingSyncFromDate',
  'awaitingAccountCodes',
  'awaitingLocations',
  'awaitingDate',
  'backfilling',
  'active',
  'paused',
  'authFailed',
  'disconnected',
] as const;
export type ConnectionStatus = (typeof connectionStatuses)[number];

export type Direction = 'two-way' | 'import';

/** Statuses of a connection that lives: it has an organisation, and Xero takes its calls. */
const living = [
  'syncingContacts',
  'awaitingSyncFromDate',
  'awaitingAccountCodes',
  'awaitingLocations',
  'awaitingDate',
  'backfilling',
  'active',
  'paused',
] as const satisfies ConnectionStatus[];

/** Statuses in which nothing is bound yet: the connection may still be deleted. */
const unbound: readonly ConnectionStatus[] = ['pending', 'choosingOrganisation'];

/** What happens to a connection: somebody does it, or a run or Xero's answer brings it about. */
export type ConnectionEvent = 'offered' | 'bound' | 'worked' | 'refused' | 'disconnected';

interface Move {
  from: readonly ConnectionStatus[];
  to: readonly ConnectionStatus[];
}

/**
 * Every allowed move, by what causes it.
 * - `offered`: a consent covers several organisations, and one is to be chosen.
 * - `bound`: a consent bound the organisation, or brought back the one that was bound.
 * - `worked`: a run got on. It wakes no connection that was disconnected or that Xero refuses.
 * - `refused`: Xero no longer accepts the connection.
 * - `disconnected`: a person ended it.
 */
export const connectionMoves: Readonly<Record<ConnectionEvent, Move>> = {
  offered: { from: unbound, to: ['choosingOrganisation'] },
  bound: { from: [...unbound, 'authFailed', 'disconnected'], to: ['syncingContacts', 'active'] },
  worked: { from: living.filter((status) => status !== 'active'), to: living },
  refused: { from: living, to: ['authFailed'] },
  disconnected: { from: [...living, 'authFailed'], to: ['disconnected'] },
};

export function mayMove(event: ConnectionEvent, from: ConnectionStatus, to: ConnectionStatus): boolean {
  return connectionMoves[event].from.includes(from) && connectionMoves[event].to.includes(to);
}

/** Is nothing bound yet? Only such a connection may be deleted by itself. */
export function isUnbound(status: ConnectionStatus): boolean {
  return unbound.includes(status);
}

/** Does it have an organisation whose calls Xero takes, as far as is known? */
export function isLiving(status: ConnectionStatus): boolean {
  return (living as readonly ConnectionStatus[]).includes(status);
}

/** The status that people see: what a person paused shows as paused while it lives. */
export function shownStatus(status: ConnectionStatus, paused: boolean): ConnectionStatus {
  return paused && isLiving(status) ? 'paused' : status;
}

/** Statuses in which the work waits for a person. */
export const waitsForPerson = [
  'choosingOrganisation',
  'awaitingSyncFromDate',
  'awaitingAccountCodes',
  'awaitingLocations',
  'authFailed',
] as const satisfies ConnectionStatus[];

/** The warning that goes with a Sync From Date in the past (rules.md, "The first sync"). */
export const pastSyncFromDateWarning =
  'Documents from this date on are matched between both sides. What was typed into Xero by hand for that time may appear twice, and this cannot be undone.';
