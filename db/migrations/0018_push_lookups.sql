-- Up Migration

-- A call whose outcome is not known is looked up in Xero at once, and once more when Xero has forgotten its Idempotency-Key.
ALTER TABLE push_call ADD looked_at timestamptz;

-- What a document's earlier steps were sent as is asked for whenever it is planned.
CREATE INDEX push_attempt_sent ON push_attempt (document_id) WHERE outcome = 'sent';
