-- Up Migration

-- Where the feed stands: the newest position that was given out, and the newest that retention removed. One row, locked by
-- every transaction that appends from its last statement to its commit.
CREATE TABLE feed_counter (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  newest bigint NOT NULL DEFAULT 0,
  removed_to bigint NOT NULL DEFAULT 0
);
INSERT INTO feed_counter DEFAULT VALUES;

-- What happened, in the order in which it was committed. The key to the company refuses a late writer of a deleted one; none
-- to the connection: one that was never bound may be taken back.
CREATE TABLE feed_event (
  position bigint PRIMARY KEY,
  type text NOT NULL,
  at timestamptz NOT NULL,
  company_id text NOT NULL REFERENCES company,
  connection_id uuid,
  -- Which document of the platform's, by its kind and the platform's id.
  kind text,
  external_id text,
  -- Which record of Xero's.
  xero_id text,
  data jsonb NOT NULL
);
CREATE INDEX feed_event_of_company ON feed_event (company_id, position);
CREATE INDEX feed_event_by_age ON feed_event (at);
