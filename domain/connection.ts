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

const afterContacts: ConnectionStatus[] = [
  'syncingContacts',
  'awaitingSyncFromDate',
  'awaitingAccountCodes',
  'awaitingLocations',
  'awaitingDate',
  'backfilling',
  'active',
];

/** Every allowed move. A row is read as "from this status a connection may go to these". */
export const connectionMoves: Readonly<Record<ConnectionStatus, readonly ConnectionStatus[]>> = {
  pending: ['choosingOrganisation', 'syncingContacts'],
  choosingOrganisation: ['syncingContacts'],
  syncingContacts: [...afterContacts, 'paused', 'authFailed', 'disconnected'],
  awaitingSyncFromDate: [...afterContacts, 'paused', 'authFailed', 'disconnected'],
  awaitingAccountCodes: [...afterContacts, 'paused', 'authFailed', 'disconnected'],
  awaitingLocations: [...afterContacts, 'paused', 'authFailed', 'disconnected'],
  awaitingDate: [...afterContacts, 'paused', 'authFailed', 'disconnected'],
  backfilling: ['active', 'backfilling', 'paused', 'authFailed', 'disconnected'],
  active: ['paused', 'authFailed', 'disconnected'],
  paused: [...afterContacts, 'authFailed', 'disconnected'],
  authFailed: [...afterContacts, 'disconnected'],
  disconnected: [...afterContacts, 'authFailed'],
};

export function mayMove(from: ConnectionStatus, to: ConnectionStatus): boolean {
  return connectionMoves[from].includes(to);
}

/** The warning that goes with a Sync From Date in the past (rules.md, "The first sync"). */
export const pastSyncFromDateWarning =
  'Documents from this date on are matched between both sides. What was typed into Xero by hand for that time may appear twice, and this cannot be undone.';
