-- Up Migration

-- What would move to and from Xero, as it was at one instant.
CREATE TABLE preview (
  id uuid PRIMARY KEY,
  connection_id uuid NOT NULL REFERENCES connection,
  state text NOT NULL DEFAULT 'working',
  -- Why it failed.
  code text,
  actor text,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ready_at timestamptz,
  rows integer,
  planned integer NOT NULL DEFAULT 0,
  -- Digests of what all rows were looked at with: settings, chart, tax rates, locks.
  shared jsonb
);
CREATE INDEX preview_of_connection ON preview (connection_id, made_at);

-- A document in the version that is shown, or a payment that was made in Xero; and, once it is exported, what became of it.
CREATE TABLE preview_row (
  preview_id uuid NOT NULL REFERENCES preview ON DELETE CASCADE,
  -- The order in which rows are sent: what a document stands on has an earlier place.
  place integer NOT NULL,
  group_name text NOT NULL,
  document_id uuid REFERENCES document ON DELETE CASCADE,
  version integer,
  xero_payment_id text,
  -- Null until it was looked at.
  outcome text,
  body jsonb,
  errors jsonb NOT NULL DEFAULT '[]',
  warnings jsonb NOT NULL DEFAULT '[]',
  -- Digests of what was read for it.
  seen_documents text,
  seen_records text,
  -- Null until the export hands it to the outbox.
  result text,
  result_code text,
  refusals jsonb NOT NULL DEFAULT '[]',
  xero_id text,
  settled_at timestamptz,
  PRIMARY KEY (preview_id, place),
  CHECK ((document_id IS NULL) <> (xero_payment_id IS NULL))
);
CREATE INDEX preview_row_of_document ON preview_row (document_id);

-- A preview that is sent: once.
CREATE TABLE export (
  id uuid PRIMARY KEY,
  preview_id uuid NOT NULL UNIQUE REFERENCES preview ON DELETE CASCADE,
  connection_id uuid NOT NULL REFERENCES connection,
  state text NOT NULL DEFAULT 'checking',
  code text,
  -- What is different from what was reviewed.
  changed text[] NOT NULL DEFAULT '{}',
  actor text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz
);
-- One at a time of a connection.
CREATE UNIQUE INDEX export_in_hand ON export (connection_id) WHERE ended_at IS NULL;

CREATE INDEX document_of_export ON document (export_id) WHERE export_id IS NOT NULL;
