-- Up Migration
CREATE TABLE company (
  id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 200),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Xero's tenant. It belongs to one company for good: the row stays when a connection ends.
CREATE TABLE organisation (
  id uuid PRIMARY KEY,
  company_id text NOT NULL REFERENCES company,
  name text NOT NULL,
  base_currency text,
  time_zone text,
  country_code text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (id, company_id)
);

-- One OAuth consent with its token set; sealed_tokens is AES-256-GCM, version counts the saves.
CREATE TABLE oauth_grant (
  id uuid PRIMARY KEY,
  sealed_tokens bytea NOT NULL,
  scopes text[] NOT NULL,
  access_token_expires_at timestamptz NOT NULL,
  version integer NOT NULL DEFAULT 1,
  refresh_lease_until timestamptz,
  died_at timestamptz,
  used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE connection (
  id uuid PRIMARY KEY,
  company_id text NOT NULL UNIQUE REFERENCES company,
  direction text NOT NULL CHECK (direction IN ('two-way', 'import')),
  status text NOT NULL DEFAULT 'pending',
  organisation_id uuid UNIQUE,
  xero_connection_id uuid,
  grant_id uuid REFERENCES oauth_grant,
  sync_from_date_chosen boolean NOT NULL DEFAULT false,
  sync_from_date date,
  sleeping_until timestamptz,
  last_successful_sync_at timestamptz,
  last_error_code text,
  last_error_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (organisation_id, company_id) REFERENCES organisation (id, company_id),
  CHECK (sync_from_date_chosen OR sync_from_date IS NULL)
);

CREATE TABLE consent (
  state_hash bytea PRIMARY KEY,
  connection_id uuid NOT NULL REFERENCES connection ON DELETE CASCADE,
  sealed_verifier bytea NOT NULL,
  return_url text,
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);

CREATE TABLE api_key (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('viewer', 'standard', 'adviser', 'admin')),
  company_id text REFERENCES company,
  secret_hash bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  revoked_at timestamptz
);

CREATE TABLE run (
  run_id text PRIMARY KEY,
  workflow_id text NOT NULL,
  kind text NOT NULL,
  connection_id uuid NOT NULL REFERENCES connection,
  outcome text NOT NULL DEFAULT 'running',
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz
);
CREATE INDEX run_of_connection ON run (connection_id, started_at DESC);

CREATE TABLE run_sleep (
  run_id text NOT NULL REFERENCES run,
  began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL,
  until timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (run_id, until)
);

-- What a run asked of Xero, by stream: answered calls, bytes received, refusals by kind of limit.
CREATE TABLE call_tally (
  connection_id uuid NOT NULL REFERENCES connection,
  run_id text NOT NULL,
  stream text NOT NULL,
  calls bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  refused_minute bigint NOT NULL DEFAULT 0,
  refused_day bigint NOT NULL DEFAULT 0,
  refused_concurrent bigint NOT NULL DEFAULT 0,
  refused_app_minute bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, run_id, stream)
);

-- Where the reading of a stream stands. One reader at a time: the lease; a late writer: the fence.
CREATE TABLE stream_cursor (
  connection_id uuid NOT NULL REFERENCES connection,
  stream text NOT NULL,
  status text NOT NULL DEFAULT 'waiting',
  state jsonb,
  records bigint NOT NULL DEFAULT 0,
  set_aside bigint NOT NULL DEFAULT 0,
  faults_in_a_row integer NOT NULL DEFAULT 0,
  last_error text,
  completed_at timestamptz,
  lease_holder text,
  lease_until timestamptz,
  fence bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, stream)
);
