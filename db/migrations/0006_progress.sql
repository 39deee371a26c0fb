-- Up Migration

-- When the reading last stored a page: a run that stands still for longer than its waits explain says so.
ALTER TABLE stream_cursor ADD COLUMN progressed_at timestamptz;
