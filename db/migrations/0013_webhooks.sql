-- Up Migration

-- What Xero's webhooks told of, until it is fetched and for a week after. An event is the same by what it says; of each
-- stream there is one category (domain/webhooks.ts). With the organisation its events go, so that one that comes late
-- cannot hold up the deletion of a company.
CREATE TABLE webhook_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organisation_id uuid NOT NULL REFERENCES organisation ON DELETE CASCADE,
  stream text NOT NULL,
  resource_id uuid NOT NULL,
  type text NOT NULL,
  -- Xero's instant of the change; received_at is ours.
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at timestamptz,
  fate text CHECK (fate IN ('fetched', 'known', 'leftToFirstRead', 'refused')),
  UNIQUE (organisation_id, resource_id, stream, type, at),
  CHECK ((done_at IS NULL) = (fate IS NULL))
);
CREATE INDEX webhook_event_in_hand ON webhook_event (organisation_id, stream, resource_id) WHERE done_at IS NULL;
CREATE INDEX webhook_event_by_end ON webhook_event (done_at);

-- The bell: since when the run that fetches is rung for and has not looked. It is rung only when this is set.
ALTER TABLE organisation ADD COLUMN webhook_rung_at timestamptz;
