-- Up Migration

-- What the platform wants to stand in Xero. Which connection it goes to follows from its company and location, when it goes:
-- a document may be saved before there is one.
CREATE TABLE document (
  id uuid PRIMARY KEY,
  company_id text NOT NULL REFERENCES company,
  kind text NOT NULL,
  external_id text NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
  -- Of its kind (domain/documents/kinds.ts). Whoever locks several documents does so by rank, kind and external id, so two
  -- never wait for each other in a ring.
  rank smallint NOT NULL,
  location_id text,
  -- The current version and its content; a save of the same content makes no new one.
  version integer NOT NULL DEFAULT 1,
  source_version bigint,
  content jsonb NOT NULL,
  content_hash bytea NOT NULL,
  -- The platform deleted it: what stands in Xero is to be voided.
  deleted boolean NOT NULL DEFAULT false,
  -- The item of a project number, made because a line names it: it is there once, and no save that names it changes it.
  derived boolean NOT NULL DEFAULT false,
  -- As the work has it; what people see also says whether a connection is there and ready (db/documents.ts).
  state text NOT NULL DEFAULT 'queued',
  code text,
  errors jsonb NOT NULL DEFAULT '[]',
  -- The version that is to be sent: the current one, or the one that was reviewed; null: none is. And since when: what was
  -- sent before that does not count for it, so a resync of the same version sends it again.
  queued_version integer,
  queued_at timestamptz,
  -- The export that queued it, where the connection sends nothing unreviewed.
  export_id uuid,
  -- Who saved it, or asked for it, last: the platform's opaque id.
  actor text,
  -- Somebody waits for it: it goes before what came in bulk.
  urgent boolean NOT NULL DEFAULT false,
  -- The version for which a person decided: to send it all the same, or to link it with this record.
  decided_version integer,
  link_xero_id text,
  excluded boolean NOT NULL DEFAULT false,
  -- What it is in Xero. One record is one document.
  organisation_id uuid REFERENCES organisation,
  xero_id text,
  xero_number text,
  -- The version that stands in Xero, and what of the record was ours then: whoever changed it since, it was not us.
  sent_version integer,
  xero_fingerprint text,
  last_pushed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (company_id, kind, external_id),
  CHECK (xero_id IS NULL OR organisation_id IS NOT NULL)
);
CREATE UNIQUE INDEX document_of_record ON document (organisation_id, xero_id, kind) WHERE xero_id IS NOT NULL;
CREATE INDEX document_queue ON document (company_id, urgent DESC, rank, queued_at) WHERE state IN ('queued', 'sending');
CREATE INDEX document_state ON document (company_id, state);

CREATE TABLE document_version (
  document_id uuid NOT NULL REFERENCES document ON DELETE CASCADE,
  version integer NOT NULL,
  source_version bigint,
  content jsonb NOT NULL,
  deleted boolean NOT NULL DEFAULT false,
  saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text,
  PRIMARY KEY (document_id, version)
);

-- What the current version of a document stands on, as the platform names it: it may not be saved yet.
CREATE TABLE document_parent (
  document_id uuid NOT NULL REFERENCES document ON DELETE CASCADE,
  company_id text NOT NULL REFERENCES company,
  parent_kind text NOT NULL,
  parent_external_id text NOT NULL,
  PRIMARY KEY (document_id, parent_kind, parent_external_id)
);
CREATE INDEX document_child ON document_parent (company_id, parent_kind, parent_external_id);

-- A call that writes to Xero, noted before it is sent; its id is the Idempotency-Key.
CREATE TABLE push_call (
  id uuid PRIMARY KEY,
  connection_id uuid NOT NULL REFERENCES connection,
  organisation_id uuid NOT NULL REFERENCES organisation,
  run_id text,
  method text NOT NULL,
  path text NOT NULL,
  body_hash bytea NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Null: the outcome is not known yet.
  settled_at timestamptz,
  status integer
);
CREATE INDEX push_call_open ON push_call (connection_id) WHERE settled_at IS NULL;

-- One document's part in such a call. `step`: the document itself, an allocation of it, the bill of an order, …
CREATE TABLE push_attempt (
  id uuid PRIMARY KEY,
  document_id uuid NOT NULL REFERENCES document ON DELETE CASCADE,
  version integer NOT NULL,
  step text NOT NULL DEFAULT 'document',
  attempt integer NOT NULL,
  push_call_id uuid REFERENCES push_call,
  -- Its place in the call's body.
  place integer,
  -- What was sent, and the key by which it can be found in Xero.
  sent jsonb,
  lookup jsonb,
  -- Null: not known yet. sent | refused | absent | held | skipped | voided | linked
  outcome text,
  code text,
  errors jsonb NOT NULL DEFAULT '[]',
  xero_id text,
  actor text,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  UNIQUE (document_id, version, step, attempt)
);
CREATE INDEX push_attempt_of_call ON push_attempt (push_call_id);
CREATE UNIQUE INDEX push_attempt_open ON push_attempt (document_id, step) WHERE outcome IS NULL;

-- The outbox of a connection: its bell, and who sends from it now. A save locks its documents and then this row, until it
-- commits; so whoever holds this row does not wait for documents.
CREATE TABLE outbox (
  connection_id uuid PRIMARY KEY REFERENCES connection ON DELETE CASCADE,
  rung_at timestamptz,
  lease_owner text,
  lease_until timestamptz
);

-- All writing to Xero, of every connection, held by a person. One row.
CREATE TABLE writes (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  paused_at timestamptz,
  actor text
);
INSERT INTO writes DEFAULT VALUES;
