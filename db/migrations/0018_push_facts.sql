-- Up Migration

-- Names are the same contact's when this is the same (domain/documents/facts.ts, normalisedName). The collation is named, so
-- that letters beyond ASCII fold in every database.
CREATE FUNCTION name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT lower(btrim(regexp_replace(left(name, 500) COLLATE "und-x-icu", '\s+', ' ', 'g')))
$$;

-- What planning a push asks of the mirror, each for the streams that it asks about. Lengths are bounded, because no record is
-- refused for the sake of an index.
CREATE INDEX record_by_number ON record (organisation_id, stream, number)
  WHERE stream IN ('contacts', 'items', 'invoices', 'creditNotes', 'purchaseOrders') AND length(number) <= 255;
CREATE INDEX record_by_account_number ON record (organisation_id, (body ->> 'AccountNumber'))
  WHERE stream = 'contacts' AND coalesce(number, '') = '' AND length(body ->> 'AccountNumber') <= 255;
CREATE INDEX record_by_name ON record (organisation_id, name_key(body ->> 'Name')) WHERE stream = 'contacts';
CREATE INDEX record_by_contact ON record (organisation_id, contact_id, date, total)
  WHERE stream IN ('invoices', 'creditNotes', 'purchaseOrders') AND length(contact_id) <= 64;
CREATE INDEX record_by_invoice ON record (organisation_id, (body #>> '{Invoice,InvoiceID}'))
  WHERE stream = 'payments' AND length(body #>> '{Invoice,InvoiceID}') <= 64;

-- Which documents claim the same number, or the same name.
CREATE INDEX document_number ON document (company_id, kind, coalesce(content ->> 'number', content ->> 'code'))
  WHERE NOT deleted;
CREATE INDEX document_contact_name ON document (company_id, name_key(content ->> 'name'))
  WHERE kind = 'contact' AND NOT deleted;

-- The bill of an order is ours too, although no document is that bill.
CREATE INDEX push_attempt_bill ON push_attempt (xero_id) WHERE step = 'bill' AND outcome = 'sent';
