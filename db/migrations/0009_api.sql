-- Up Migration
ALTER TABLE api_key ADD COLUMN last_used_at timestamptz;
CREATE INDEX api_key_by_age ON api_key (created_at, id);

-- Every changing call of a key. A row without a status: the call is in hand, or its process died in the middle.
-- No foreign keys: what it tells of may be gone.
CREATE TABLE audit (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  key_id uuid NOT NULL,
  key_name text NOT NULL,
  actor text,
  method text NOT NULL,
  route text NOT NULL,
  path_ids jsonb NOT NULL,
  company_id text,
  connection_id uuid,
  request_id text NOT NULL,
  status integer,
  code text
);
CREATE INDEX audit_by_age ON audit (at DESC, id DESC);
CREATE INDEX audit_of_company ON audit (company_id, at DESC, id DESC);
CREATE INDEX audit_of_connection ON audit (connection_id, at DESC, id DESC);
CREATE INDEX audit_of_actor ON audit (actor, at DESC, id DESC);

-- Answers kept for a day by Idempotency-Key. Without a status the first request is in hand, until its lease ends.
-- The body is sealed: it may hold a consent's address or a key's secret.
CREATE TABLE kept_answer (
  key_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  request_hash bytea NOT NULL,
  claim uuid NOT NULL,
  lease_until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  company_id text,
  status integer,
  code text,
  content_type text,
  sealed_body bytea,
  PRIMARY KEY (key_id, idempotency_key)
);
CREATE INDEX kept_answer_by_age ON kept_answer (created_at);
CREATE INDEX kept_answer_of_company ON kept_answer (company_id);

-- Which request started a run, and for whom; null for one that nobody asked for.
ALTER TABLE run ADD COLUMN request_id text, ADD COLUMN actor text;

-- What the metrics page counts.
CREATE INDEX run_in_hand ON run (kind) WHERE ended_at IS NULL;
