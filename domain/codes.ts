/**
 * The closed lists of codes that people and programs meet, each with its sentence and its remedy.
 * A code is added here and nowhere else; the API, the runs and the documentation read these tables.
 */
export interface Explanation {
  /** What happened, one sentence. */
  message: string;
  /** What to do about it, one sentence. */
  remedy: string;
}

/** How a connection's work ends when it does not end well. `daily_rate_limit` is a state with an end, not a failure. */
export const connectionCodes = {
  xero_auth_failed: {
    message: 'Xero no longer accepts this connection.',
    remedy: 'Ask an administrator of the organisation to connect again: POST /v1/connections/{id}/reconnect.',
  },
  daily_rate_limit: {
    message: "Xero's calls for this organisation are used up for today.",
    remedy: 'Nothing to do: the work goes on by itself when Xero allows calls again.',
  },
  organisation_mismatch: {
    message: 'The consent was given for another organisation than the one this connection belongs to.',
    remedy: 'Start the consent again and choose the organisation this connection was made for.',
  },
  organisation_taken: {
    message: 'This Xero organisation is already connected.',
    remedy: 'An organisation has one connection for good: choose another organisation.',
  },
  consent_denied: {
    message: 'The consent was not given in Xero.',
    remedy: 'Start again and choose "Allow access" in Xero.',
  },
  scopes_missing: {
    message: 'The consent lacks permissions that the synchronisation needs.',
    remedy: 'Start the consent again and leave every permission ticked.',
  },
  disconnected: {
    message: 'The connection was disconnected.',
    remedy: 'Nothing to do; POST /v1/connections/{id}/reconnect connects it again, with the same organisation.',
  },
  account_codes_missing: {
    message: 'Account codes are missing or not usable.',
    remedy: 'Set them with PATCH /v1/connections/{id}/settings; mapping-options lists what the organisation has.',
  },
  xero_unavailable: {
    message: 'Xero did not answer properly for longer than we wait.',
    remedy: 'Start the run again later; what was read is kept and the reading goes on from there.',
  },
  could_not_sync: {
    message: 'The run could not be completed.',
    remedy: 'Look at the run in the Temporal UI, which names the stream, then start it again; nothing read is lost.',
  },
} as const satisfies Record<string, Explanation>;
export type ConnectionCode = keyof typeof connectionCodes;

/** Why a stream is not read, or not to its end. */
export const streamCodes = {
  not_available: {
    message: 'Xero does not give this stream to this organisation.',
    remedy:
      "Journals need Xero's Advanced plan and a consent with accounting.journals.read; no other stream is affected by it.",
  },
  xero_unavailable: connectionCodes.xero_unavailable,
  could_not_sync: connectionCodes.could_not_sync,
} as const satisfies Record<string, Explanation>;
export type StreamCode = keyof typeof streamCodes;

/** Why a request to the API was not carried out (`code` of application/problem+json). */
export const requestCodes = {
  invalid_request: { message: 'The request is not valid.', remedy: 'Correct the fields that are named.' },
  invalid_json: { message: 'The body is not JSON.', remedy: 'Send a JSON body with content-type application/json.' },
  unauthorised: {
    message: 'No valid API key.',
    remedy: 'Send "Authorization: Bearer <key>" with a key that is in use.',
  },
  forbidden: { message: 'This key may not do that.', remedy: 'Use a key with the role that the call needs.' },
  not_found: { message: 'There is no such thing here.', remedy: 'Check the id in the address.' },
  already_connected: {
    message: 'This company has a connection already.',
    remedy: 'Use the existing connection, whose id is in "existing".',
  },
  already_backfilled: {
    message: 'The first full read of this connection is done, and is done once.',
    remedy: 'Use POST /v1/connections/{id}/sync for what changed since.',
  },
  backfill_not_running: {
    message: 'There is no backfill in hand for this connection.',
    remedy: 'Look at GET /v1/connections/{id}/backfill for its state.',
  },
  connection_not_ready: {
    message: 'The connection is not ready for that.',
    remedy: 'Look at its status with GET /v1/connections/{id}; the consent in Xero comes first.',
  },
  connection_final: {
    message: 'The connection is bound to its organisation and cannot be deleted by itself.',
    remedy: 'Disconnect it to end it and keep its data, or delete the company with everything it has.',
  },
  connection_pending: {
    message: 'Nothing is bound yet, so there is nothing to disconnect, pause or resume.',
    remedy: 'Give the consent in Xero first, or delete the connection: DELETE /v1/connections/{id}.',
  },
  sync_by_fixed: {
    message: 'A company syncs as a whole or location by location, and this one does it the other way.',
    remedy: 'Connect it the way it is connected already; GET /v1/connections?company= shows how.',
  },
  location_connected: {
    message: 'A connection covers this location.',
    remedy: 'It cannot be removed any more; mark it as not synced to keep it out of what is waited for.',
  },
  company_being_deleted: {
    message: 'The company is being deleted.',
    remedy: 'Wait until its deletion has ended; the same id may be used again then.',
  },
  sync_from_date_fixed: {
    message: 'The Sync From Date is set and cannot be changed.',
    remedy:
      'Nothing to do: it was fixed when it was first chosen, be it before the company was deleted and made again.',
  },
  last_admin_key: {
    message: 'This is the last key that can make keys for all companies.',
    remedy: 'Make another admin key without a company first (POST /v1/api-keys), then revoke this one.',
  },
  idempotency_key_reused: {
    message: 'This Idempotency-Key was used for another request.',
    remedy: 'Send every new request with a new Idempotency-Key, and only a repeated one with the same.',
  },
  request_in_hand: {
    message: 'The first request with this Idempotency-Key is still in hand.',
    remedy: 'Send the same again after the seconds in Retry-After: it answers what the first one did.',
  },
  position_gone: {
    message: 'The feed does not have what follows this position any more.',
    remedy:
      'Take the newest position (GET /v1/changes?after=latest), then read the mirror anew (GET /v1/connections/{id}/records/{stream}), and go on from that position.',
  },
  too_many_requests: { message: 'Too many requests with this key.', remedy: 'Wait as long as Retry-After says.' },
  body_too_large: { message: 'The body is too large.', remedy: 'Send fewer elements in one call.' },
  unsupported_media_type: {
    message: 'The body has a type that is not understood.',
    remedy: 'Send application/json.',
  },
  unavailable: {
    message: 'A part of the service is away for the moment.',
    remedy: 'Try again after the seconds in Retry-After; nothing was lost.',
  },
  internal: {
    message: 'Something went wrong on our side.',
    remedy: 'Try again; if it stays, report the request id.',
  },
} as const satisfies Record<string, Explanation>;
export type RequestCode = keyof typeof requestCodes;
