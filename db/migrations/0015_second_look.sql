-- Up Migration

-- When everything was last read once more from end to end.
ALTER TABLE connection ADD COLUMN second_look_at timestamptz;
