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
  callback_failed: {
    message: "The platform's callback does not take payments.",
    remedy:
      'Mend it, or its secret (POST /v1/connections/{id}/callback-secret), then start the import: POST /v1/connections/{id}/payment-imports.',
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

/** Why a document is not sent, waits, is held or was refused (`code` of a document). */
export const documentCodes = {
  // It waits, and goes by itself.
  not_connected: {
    message: 'No connection covers this document yet.',
    remedy: 'Connect the company, or its location: POST /v1/connections. The document goes by itself then.',
  },
  location_required: {
    message: 'The company has separate books for its locations, and the document names none.',
    remedy: 'Save it again with the location whose books it belongs to.',
  },
  connection_not_active: {
    message: 'The connection is not ready to send yet.',
    remedy: 'Look at its status with GET /v1/connections/{id}; documents go by themselves once it is active.',
  },
  writes_paused: {
    message: 'Sending to Xero is paused.',
    remedy: 'Resume it: POST /v1/connections/{id}/resume, or POST /v1/writes/resume where all writing is paused.',
  },
  awaiting_export: {
    message: 'This connection sends nothing before it was reviewed.',
    remedy: 'Make a preview and export it: POST /v1/connections/{id}/previews.',
  },
  parent_not_sent: {
    message: 'What this document stands on is not in Xero yet.',
    remedy: 'Nothing to do when it is on its way; else save it, or mend what `errors` names.',
  },
  daily_rate_limit: connectionCodes.daily_rate_limit,
  xero_unavailable: {
    message: 'Xero does not answer properly at the moment.',
    remedy: 'Nothing to do: it is tried again by itself.',
  },
  outcome_unknown: {
    message: 'It was sent and no answer came.',
    remedy: 'Nothing to do: it is looked up in Xero, at once and after six minutes, and never sent twice.',
  },
  // By the rules it is not sent.
  import_only: {
    message: 'This connection only imports.',
    remedy: 'Nothing to do; a two-way connection sends documents.',
  },
  before_sync_from_date: {
    message: 'It lies before the Sync From Date.',
    remedy: 'Nothing to do: what lies before it is kept in Xero by hand.',
  },
  zero_total: {
    message: 'Its total is zero.',
    remedy: 'Nothing to do; an invoice marked `paid` is sent all the same.',
  },
  negative_total: { message: 'Its total is negative.', remedy: 'Save a credit note instead.' },
  negative_balance: {
    message: 'More was paid and credited than its total.',
    remedy: 'Check its payments and credits; nothing of it is sent.',
  },
  payments_out_off: {
    message: 'Payments are not sent by this connection.',
    remedy: 'Set paymentsOut, then POST …/resync for each that is to go.',
  },
  purchase_orders_off: {
    message: 'Purchase orders are not sent by this connection, and neither are their bills.',
    remedy: 'Set purchaseOrders, then POST …/resync.',
  },
  from_xero: { message: 'This payment came from Xero.', remedy: 'Nothing to do: it is linked and never sent back.' },
  excluded: { message: 'A person keeps it out.', remedy: 'POST …/include lets it in again.' },
  // It goes, and people should know.
  matched_by_name: {
    message: 'A contact in Xero has the same name and no unique id: it becomes this one.',
    remedy: 'Nothing to do when it is the same; else set contactNameTemplate, or link the right one with its xeroId.',
  },
  rounding_line: {
    message: 'A line "Rounding" makes up the difference between the platform\'s total and Xero\'s.',
    remedy: 'Nothing to do; the setting accounts.rounding says where it goes.',
  },
  contact_group_missing: {
    message: 'Xero has no contact group of the name that the settings have.',
    remedy: 'Make the group in Xero, or change contactGroups.',
  },
  allocation_not_sent: {
    message: 'The credit note is sent without this allocation: the invoice lies before the Sync From Date.',
    remedy: 'Nothing to do here: allocate it in Xero by hand.',
  },
  // A person must decide.
  duplicate_suspected: {
    message: 'Xero has something that looks like the same and is not ours.',
    remedy: 'POST …/decide with "link" and its xeroId when it is the same, with "send" when it is not.',
  },
  conflict: {
    message: 'It was edited both here and in Xero.',
    remedy: 'POST …/decide with "send" to overwrite what Xero has, or save what Xero has here.',
  },
  restored: {
    message: 'A backup was restored, and it may have been sent in the time that was lost.',
    remedy: 'Look in Xero: POST …/decide with "link" and its xeroId when it is there, with "send" when it is not.',
  },
  order_billed: {
    message: 'The purchase order is billed in Xero already.',
    remedy: 'POST …/decide with "link" when that bill is the right one; nothing is billed twice.',
  },
  // It was refused.
  validation: {
    message: 'Xero refused it.',
    remedy: "Mend what Xero's own words in `errors` name, and save it again.",
  },
  totals_disagree: {
    message: "The platform's total is not what Xero will compute.",
    remedy:
      'Check lines, discounts and tax; up to 0.05 goes to the account of the setting accounts.rounding, if it is set.',
  },
  period_locked: {
    message: 'A date lies on or before a lock date in Xero.',
    remedy: 'Move the lock in Xero or the date, then POST …/resync.',
  },
  number_taken: {
    message: 'Its number is taken in Xero.',
    remedy: 'Save it with another number; a voided number stays taken.',
  },
  contact_archived: {
    message: 'The contact is archived in Xero.',
    remedy: 'Restore it in Xero, or save the document with another contact.',
  },
  contact_name_taken: {
    message: 'Another contact in Xero has this name.',
    remedy: 'Set contactNameTemplate to "{name} ({externalId})", or link the contact with its xeroId.',
  },
  contact_id_taken: {
    message: 'A contact in Xero has this unique id under another name.',
    remedy: 'Link it with its xeroId when it is the same, or correct its ContactNumber in Xero.',
  },
  account_missing: {
    message: 'The account is not set, or Xero does not have it.',
    remedy: 'Set it in the settings or on the line; mapping-options lists what there is.',
  },
  account_archived: { message: 'The account is archived in Xero.', remedy: 'Restore it in Xero or choose another.' },
  account_type_wrong: {
    message: 'The account cannot be used for that.',
    remedy: 'Lines take no bank account; payments take one, or an account that payments are enabled for.',
  },
  tax_type_unusable: {
    message: 'The tax type is unknown, or cannot be used with the account.',
    remedy: 'Choose one that mapping-options lists for the class of the account.',
  },
  tracking_unknown: {
    message: 'The tracking option is not in Xero, or not active.',
    remedy: 'Choose one that mapping-options lists.',
  },
  currency_not_subscribed: {
    message: 'The organisation does not use this currency.',
    remedy: 'Add the currency in Xero, then POST …/resync.',
  },
  payment_currency_wrong: {
    message: "The account's currency is neither the invoice's nor the organisation's own.",
    remedy: 'Choose an account of the right currency.',
  },
  item_code_too_long: { message: "Xero's item codes have 30 characters at most.", remedy: 'Save a shorter code.' },
  payment_exceeds_due: {
    message: 'The payment is above what is due in Xero.',
    remedy: 'Check the figures in `errors`; it is neither split nor turned into credit.',
  },
  parent_not_authorised: {
    message: 'What it pays is not authorised in Xero.',
    remedy: 'Authorise it in Xero, then POST …/resync.',
  },
  parent_before_sync_from_date: {
    message: 'What it belongs to lies before the Sync From Date and is not sent.',
    remedy: 'Nothing to do here: enter it in Xero by hand.',
  },
  parent_failed: {
    message: 'What this document stands on was refused or is held.',
    remedy: 'Mend what `errors` names: this one goes by itself then.',
  },
  has_payments: {
    message: 'Something is paid or credited on it in Xero.',
    remedy: 'Remove in Xero what `errors` lists, then POST …/resync; payments are never deleted to make way.',
  },
  allocation_exceeds: {
    message: 'The allocation is above what is left of the credit note or due on the invoice.',
    remedy: 'Check the figures in `errors` and save it again.',
  },
  allocation_mismatch: {
    message: 'Credit note and invoice have another contact or currency.',
    remedy: 'Allocate to an invoice of the same contact and currency.',
  },
  deleted_in_xero: {
    message: 'It was voided or deleted in Xero.',
    remedy: 'POST …/resync sends it anew, where Xero allows it; a voided number stays taken.',
  },
  xero_id_unknown: { message: 'Xero has no such record.', remedy: 'Check the xeroId.' },
  xero_auth_failed: connectionCodes.xero_auth_failed,
  could_not_send: {
    message: 'It could not be sent.',
    remedy: 'POST …/resync tries again; if it stays, report the document with its attempts.',
  },
} as const satisfies Record<string, Explanation>;
export type DocumentCode = keyof typeof documentCodes;

/** Why a payment made in Xero was not imported (`code` of a payment import). */
export const paymentCodes = {
  // It goes by itself.
  next_run: {
    message: 'It fits an invoice and is imported by the next run.',
    remedy: 'Nothing to do; POST /v1/connections/{id}/payment-imports starts a run now.',
  },
  awaiting_export: {
    message: 'It fits an invoice; this connection imports nothing before it was reviewed.',
    remedy: 'Make a preview and export it: POST /v1/connections/{id}/previews.',
  },
  // It was not attempted, and is looked at again when invoices of the customer change.
  no_match: {
    message: 'No open invoice of the platform fits it.',
    remedy: 'Save the invoice, correct its amountDue, or resolve the payment: POST …/resolve.',
  },
  amount_differs: {
    message: 'Its amount is not what is open on its invoice in the books of the platform.',
    remedy:
      'Save the invoice with what is open as amountDue, set partPayments if a part may be paid, or resolve the payment.',
  },
  currency_differs: {
    message: 'Its currency is not that of its invoice in the books of the platform.',
    remedy: 'Correct the currency of the invoice, here or in Xero, or resolve the payment.',
  },
  ambiguous: {
    message: 'It fits several invoices, or several payments fit one invoice.',
    remedy: 'Look at `candidates` and resolve it: POST …/resolve.',
  },
  paid_elsewhere: {
    message: 'It was entered on another invoice in Xero, while the invoice that it fits is open there.',
    remedy: 'Move it in Xero to the invoice that it pays, or resolve it: POST …/resolve.',
  },
  // Final, until a person resolves it.
  outcome_unknown: {
    message: 'It was attempted, and how that ended is not known.',
    remedy:
      'Look in the books of the platform whether it is there, then resolve it: POST …/resolve. It is never tried again.',
  },
  callback_refused: {
    message: 'The callback of the platform did not take it.',
    remedy: 'Enter it in the books of the platform, then resolve it: POST …/resolve. It is never tried again.',
  },
  callback_unreachable: {
    message: 'The callback of the platform could not be reached.',
    remedy: 'Enter it in the books of the platform, then resolve it: POST …/resolve. It is never tried again.',
  },
  attempted_before: {
    message: 'It was attempted before the company was deleted and made again.',
    remedy: 'Look in the books of the platform whether it is there, then resolve it: POST …/resolve.',
  },
  restored: {
    message: 'It may have been imported in the time that was lost when a backup was restored.',
    remedy: 'Look in the books of the platform whether it is there, then resolve it: POST …/resolve.',
  },
} as const satisfies Record<string, Explanation>;
export type PaymentCode = keyof typeof paymentCodes;

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
  payments_in_off: {
    message: 'This connection does not import payments.',
    remedy: 'Set paymentsIn with PATCH /v1/connections/{id}/settings.',
  },
  payment_settled: {
    message: 'The payment was imported or resolved, and that is final.',
    remedy: 'Nothing to do here; correct the books of the platform.',
  },
  payment_in_hand: {
    message: 'The payment is being attempted at this moment.',
    remedy: 'Wait until the run in hand has ended, then look again.',
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
  stale_version: {
    message: 'A newer source version of this document is saved.',
    remedy: 'Nothing to do: the newer one stands; GET shows it.',
  },
  not_held: {
    message: 'There is nothing to decide: the document is not held.',
    remedy: 'Look at its state; POST …/resync sends it once more.',
  },
  record_taken: {
    message: 'Another document is linked with that record in Xero.',
    remedy: 'Check the xeroId: one record is one document.',
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
  preview_not_ready: {
    message: 'The preview is still being made, or could not be made.',
    remedy: 'Look at GET /v1/previews/{id}: wait until it is ready, or make another one.',
  },
  preview_has_errors: {
    message: 'The preview has rows with errors.',
    remedy: 'Mend them and make another preview, or exclude their documents: POST …/exclude.',
  },
  preview_stale: {
    message: 'Something is different from what the preview showed.',
    remedy: 'Make another preview; `errors` name what changed.',
  },
  export_in_hand: {
    message: 'The connection has an export in hand.',
    remedy: 'Wait until the export in "existing" has ended, or cancel it: POST /v1/exports/{id}/cancel.',
  },
  export_ended: {
    message: 'The export has ended.',
    remedy: 'Nothing to do: GET /v1/exports/{id} is its report. What it did not send is in the next preview.',
  },
  export_not_reviewed: {
    message: 'This connection sends documents by themselves: a preview of it is a look only.',
    remedy: 'Set exportMode to "reviewed" to send nothing without a review.',
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
