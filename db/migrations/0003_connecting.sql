-- Up Migration
-- The first full read happens once ever: this column says that it did, long after Temporal forgot the run.
ALTER TABLE connection ADD COLUMN backfilled_at timestamptz;

-- What a consent that covers several organisations offers, until one is chosen.
CREATE TABLE offered_organisation (
  connection_id uuid NOT NULL REFERENCES connection ON DELETE CASCADE,
  tenant_id uuid NOT NULL,
  name text NOT NULL,
  xero_connection_id uuid NOT NULL,
  PRIMARY KEY (connection_id, tenant_id)
);

CREATE INDEX connection_by_age ON connection (created_at, id);
CREATE INDEX connection_of_grant ON connection (grant_id);
CREATE INDEX connection_of_xero_connection ON connection (xero_connection_id);

CREATE FUNCTION refuse_another_sync_from_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the Sync From Date of connection % is fixed', OLD.id USING ERRCODE = 'check_violation';
END
$$;

CREATE TRIGGER sync_from_date_is_fixed BEFORE UPDATE ON connection
FOR EACH ROW
WHEN (OLD.sync_from_date_chosen
  AND (NEW.sync_from_date IS DISTINCT FROM OLD.sync_from_date OR NOT NEW.sync_from_date_chosen))
EXECUTE FUNCTION refuse_another_sync_from_date();
