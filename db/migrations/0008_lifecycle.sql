-- Up Migration

-- A company syncs as a whole or location by location, one way or the other: its first connection says which, and this key
-- holds every later one to it.
ALTER TABLE company
  ADD COLUMN sync_by text CHECK (sync_by IN ('company', 'locations')),
  ADD COLUMN deleting_at timestamptz,
  ADD UNIQUE (id, sync_by);

ALTER TABLE connection
  DROP CONSTRAINT connection_company_id_key,
  ADD COLUMN sync_by text NOT NULL DEFAULT 'company' CHECK (sync_by IN ('company', 'locations')),
  -- A person holds what is sent to Xero; reading goes on.
  ADD COLUMN paused_at timestamptz,
  -- When a consent bound the organisation last: a first full read that was not started since then is owed.
  ADD COLUMN bound_at timestamptz,
  ADD UNIQUE (id, company_id);
UPDATE company SET sync_by = 'company' WHERE id IN (SELECT company_id FROM connection);
ALTER TABLE connection ADD FOREIGN KEY (company_id, sync_by) REFERENCES company (id, sync_by);
CREATE UNIQUE INDEX connection_of_whole_company ON connection (company_id) WHERE sync_by = 'company';
CREATE INDEX connection_of_company ON connection (company_id);

-- A site of a company. It belongs to one connection of that company at most.
CREATE TABLE location (
  company_id text NOT NULL REFERENCES company,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name text NOT NULL,
  synced boolean NOT NULL DEFAULT true,
  connection_id uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (connection_id, company_id) REFERENCES connection (id, company_id)
);
CREATE INDEX location_of_connection ON location (connection_id);

-- What is left of a deleted company: keyed hashes, by which the same company stays bound to the same organisation and no
-- other company gets it. place_hash: the location, or the whole company.
CREATE TABLE tombstone (
  company_hash bytea NOT NULL,
  place_hash bytea NOT NULL,
  sync_by text NOT NULL,
  organisation_hash bytea NOT NULL,
  sync_from_date_hash bytea,
  PRIMARY KEY (company_hash, place_hash)
);
CREATE INDEX tombstone_of_organisation ON tombstone (organisation_hash);

-- The key of those hashes, sealed.
CREATE TABLE tombstone_key (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  sealed_key bytea NOT NULL
);

-- When the reading that the cursor tells of began: who asks for something younger reads anew, who does not uses it.
ALTER TABLE stream_cursor
  ADD COLUMN reading_began_at timestamptz;

-- What a run did to the mirror, by stream.
CREATE TABLE record_tally (
  connection_id uuid NOT NULL REFERENCES connection,
  run_id text NOT NULL,
  stream text NOT NULL,
  created bigint NOT NULL DEFAULT 0,
  changed bigint NOT NULL DEFAULT 0,
  unchanged bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (connection_id, run_id, stream)
);
