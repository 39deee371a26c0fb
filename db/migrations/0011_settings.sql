-- Up Migration

-- What was chosen of a connection's settings; what is absent follows the defaults. The optional streams keep their column.
ALTER TABLE connection ADD COLUMN settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object');
