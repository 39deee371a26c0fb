-- Up Migration
-- The calls that Xero still allows, one row an organisation and one for the app. `state` is what domain/budget.ts makes of
-- the answers: a row is only ever read whole, under its lock, and written whole. No reference to organisation: the first
-- call may come before its row.
CREATE TABLE organisation_budget (
  organisation_id uuid PRIMARY KEY,
  state jsonb NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE app_budget (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  state jsonb
) WITH (fillfactor = 50);
INSERT INTO app_budget DEFAULT VALUES;
