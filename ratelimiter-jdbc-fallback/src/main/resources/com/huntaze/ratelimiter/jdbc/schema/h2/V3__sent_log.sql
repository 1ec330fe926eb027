-- Who holds a call, and how often its message was revived.

ALTER TABLE onlyfans_sent_log ADD COLUMN IF NOT EXISTS holder VARCHAR(128);
ALTER TABLE onlyfans_sent_log ADD COLUMN IF NOT EXISTS revival INTEGER DEFAULT 0 NOT NULL;

-- What is old enough to be purged.
CREATE INDEX IF NOT EXISTS onlyfans_sent_log_created ON onlyfans_sent_log (created_at);

MERGE INTO onlyfans_schema (version, applied_at) KEY (version) VALUES (3, CURRENT_TIMESTAMP);
