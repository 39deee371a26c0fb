-- Up Migration
ALTER TABLE connection ADD COLUMN optional_streams text[] NOT NULL DEFAULT '{}';
