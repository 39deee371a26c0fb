-- Up Migration

-- Own readers of Xero's values: immutable, and null on anything they cannot read, so that no record is refused for
-- the sake of a column (xero-api.md §2: '/Date(1573755038314+0000)/', 'DateString').
CREATE FUNCTION xero_instant(value text) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value ~ '^/Date\(-?\d{1,14}[+)]'
    THEN timestamptz 'epoch' + substring(value FROM '-?\d+')::bigint * interval '1 millisecond' END
$$;

CREATE FUNCTION xero_date(body jsonb, field text) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN pg_input_is_valid(left(body ->> (field || 'String'), 10), 'date') THEN left(body ->> (field || 'String'), 10)::date
    ELSE (xero_instant(body ->> field) AT TIME ZONE 'UTC')::date
  END
$$;

CREATE FUNCTION xero_decimal(value text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_input_is_valid(value, 'numeric') THEN value::numeric END
$$;

-- Xero's records, every field and digit as sent. updated_at is Xero's stamp, read_at ours of the call that brought it.
CREATE TABLE record (
  organisation_id uuid NOT NULL,
  stream text NOT NULL,
  xero_id text NOT NULL,
  body jsonb NOT NULL,
  updated_at timestamptz,
  read_at timestamptz NOT NULL,
  date date,
  outside_window boolean NOT NULL DEFAULT false,
  deleted_at timestamptz,
  -- Counts the contents a record has had here; 1 is as first read.
  revision integer NOT NULL DEFAULT 1,
  number text GENERATED ALWAYS AS (coalesce(
    body ->> 'InvoiceNumber', body ->> 'CreditNoteNumber', body ->> 'PurchaseOrderNumber', body ->> 'QuoteNumber',
    body ->> 'JournalNumber', body ->> 'ContactNumber', body ->> 'Code')) STORED,
  status text GENERATED ALWAYS AS (coalesce(body ->> 'Status', body ->> 'ContactStatus')) STORED,
  contact_id text GENERATED ALWAYS AS (coalesce(body -> 'Contact' ->> 'ContactID', body ->> 'ContactID')) STORED,
  total numeric GENERATED ALWAYS AS (xero_decimal(body ->> 'Total')) STORED,
  PRIMARY KEY (organisation_id, stream, xero_id)
) PARTITION BY HASH (organisation_id);

DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE record_%s PARTITION OF record FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
  END LOOP;
END
$$;

-- What jsonb refuses (a NUL character, a lone surrogate) is kept as it came, counted and shown.
CREATE TABLE set_aside (
  organisation_id uuid NOT NULL,
  stream text NOT NULL,
  body_hash bytea NOT NULL,
  body text NOT NULL,
  read_at timestamptz NOT NULL,
  PRIMARY KEY (organisation_id, stream, body_hash)
);

CREATE FUNCTION try_jsonb(value text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN value::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
  RETURN NULL;
END
$$;
