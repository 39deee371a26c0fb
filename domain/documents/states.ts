/** The states of a document: a closed list, each with its sentence (api.md, Documents). */
export const documentStates = {
  waiting: 'It is kept, and goes by itself when what it waits for has come: `code` says what.',
  queued: 'It is to be sent next.',
  sending: 'It is being sent, or its outcome is being looked up.',
  sent: 'This version, or the one before an unsent one, stands in Xero.',
  skipped: 'By the rules it is not sent: `code` says which.',
  held: 'A person must decide: POST …/decide.',
  excluded: 'A person keeps it out: POST …/include lets it in again.',
  failed: 'Xero or a rule refused it: `errors` say why. A new version, or POST …/resync, tries again.',
  superseded: 'A newer version was saved before this one was sent. Only versions have this state.',
  voided: 'The platform deleted it, and what stood in Xero is voided or deleted there.',
  voidedInXero: 'It was voided in Xero, and is not sent again by itself.',
  deletedInXero: 'It was deleted in Xero, and is not sent again by itself.',
} as const;
export type DocumentState = keyof typeof documentStates;
export const documentStateNames = Object.keys(documentStates) as [DocumentState, ...DocumentState[]];
