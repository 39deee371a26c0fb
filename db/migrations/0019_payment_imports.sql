-- Up Migration

-- A payment made in Xero that the platform does not know, once and for good by the key: whatever becomes of it is noted here,
-- and what was attempted is never attempted again.
CREATE TABLE payment_import (
  organisation_id uuid NOT NULL REFERENCES organisation,
  xero_payment_id text NOT NULL,
  company_id text NOT NULL REFERENCES company,
  connection_id uuid NOT NULL REFERENCES connection,
  -- matched: it is to be claimed. claimed: the attempt is in hand, or whoever had it died. The rest as people see them.
  state text NOT NULL CHECK (state IN ('matched', 'unmatched', 'ambiguous', 'claimed', 'imported', 'failed', 'resolved')),
  code text,
  -- As Xero has it, in the currency of the invoice.
  amount numeric NOT NULL,
  currency text,
  date date,
  stamped_at timestamptz,
  xero_invoice_id text,
  contact_id text,
  -- The platform's invoice that it pays, and the version of it that stood when it was applied: the `amountDue` of a later
  -- version knows of it.
  document_id uuid REFERENCES document,
  document_version integer,
  -- The nearest invoices, each with what speaks against it, for a person.
  candidates jsonb NOT NULL DEFAULT '[]',
  -- The run that claimed it.
  run_id text,
  found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  claimed_at timestamptz,
  settled_at timestamptz,
  -- What a person decided.
  outcome text CHECK (outcome IN ('applied', 'ignored')),
  note text,
  actor text,
  resolved_at timestamptz,
  -- It was deleted in Xero after it was imported, and that was told.
  deleted_in_xero_at timestamptz,
  PRIMARY KEY (organisation_id, xero_payment_id),
  CHECK (state NOT IN ('claimed', 'imported') OR (claimed_at IS NOT NULL AND document_id IS NOT NULL)),
  CHECK ((state = 'resolved') = (outcome IS NOT NULL)),
  CHECK (state NOT IN ('imported', 'failed', 'resolved') OR settled_at IS NOT NULL)
);
CREATE INDEX payment_import_of_connection ON payment_import (connection_id, found_at DESC, xero_payment_id);
CREATE INDEX payment_import_open ON payment_import (connection_id, state)
  WHERE state IN ('matched', 'unmatched', 'ambiguous', 'claimed', 'failed');
CREATE INDEX payment_import_of_document ON payment_import (document_id);

-- The last word: no code, however wrong, makes a payment that was attempted one that is to be attempted.
CREATE FUNCTION keep_payment_import() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.claimed_at IS NOT NULL AND NEW.claimed_at IS DISTINCT FROM OLD.claimed_at
     OR (NEW.organisation_id, NEW.xero_payment_id) <> (OLD.organisation_id, OLD.xero_payment_id)
     OR NEW.state <> OLD.state AND NOT (CASE OLD.state
          WHEN 'claimed' THEN NEW.state IN ('imported', 'failed')
          WHEN 'failed' THEN NEW.state = 'resolved'
          WHEN 'imported' THEN false
          WHEN 'resolved' THEN false
          ELSE NEW.state <> 'imported' END)
  THEN
    RAISE EXCEPTION 'the import of payment % cannot go from % to %', OLD.xero_payment_id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER payment_import_is_kept BEFORE UPDATE ON payment_import FOR EACH ROW EXECUTE FUNCTION keep_payment_import();

-- Payments of deleted companies that are never to be attempted again, as keyed hashes.
CREATE TABLE tombstone_payment (hash bytea PRIMARY KEY);

-- After a backup was restored: what Xero stamped or dated before this instant may have been imported in the time that was
-- lost, and is never attempted by itself.
ALTER TABLE organisation ADD COLUMN payments_held_until timestamptz;

-- What signs the calls to a connection's callback, sealed.
ALTER TABLE connection ADD COLUMN sealed_callback_secret bytea;

-- What of an invoice was settled by something that is no payment (credits, prepayments, overpayments), as it was last told.
CREATE TABLE balance_told (
  document_id uuid PRIMARY KEY REFERENCES document ON DELETE CASCADE,
  company_id text NOT NULL REFERENCES company,
  credited numeric NOT NULL
);

-- Contacts that were merged into another: few, and asked for at each claim.
CREATE INDEX record_merged ON record (organisation_id, xero_id)
  WHERE stream = 'contacts' AND body ->> 'MergedToContactID' IS NOT NULL;

-- A payment that the platform saved as one of Xero's.
CREATE INDEX document_of_xero_payment ON document (company_id, lower(content ->> 'xeroPaymentId'))
  WHERE kind = 'payment' AND content ? 'xeroPaymentId';
