-- Who holds a call, and how often its message was revived. Touches no row that is there.

ALTER TABLE onlyfans_sent_log
  ADD COLUMN IF NOT EXISTS holder VARCHAR(128),
  ADD COLUMN IF NOT EXISTS revival INTEGER NOT NULL DEFAULT 0;

-- What is old enough to be purged. No column that a call's end changes is in it, so that recording
-- the end writes to no index.
CREATE INDEX IF NOT EXISTS onlyfans_sent_log_created ON onlyfans_sent_log (created_at);

INSERT INTO onlyfans_schema (version, applied_at)
  VALUES (3, CURRENT_TIMESTAMP) ON CONFLICT DO NOTHING;
