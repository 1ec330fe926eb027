-- A creator's messages in order, and revivals.

ALTER TABLE onlyfans_messages ADD COLUMN IF NOT EXISTS
  order_key VARCHAR(128) GENERATED ALWAYS AS (COALESCE(creator_id, user_id));
ALTER TABLE onlyfans_messages ADD COLUMN IF NOT EXISTS revivals INTEGER DEFAULT 0 NOT NULL;

-- Claims walk the waiting rows, oldest first. The time is not in the index: a lease changes it.
DROP INDEX IF EXISTS onlyfans_messages_claim;
CREATE INDEX IF NOT EXISTS onlyfans_messages_claim ON onlyfans_messages (waiting, seq);
CREATE INDEX IF NOT EXISTS onlyfans_messages_order ON onlyfans_messages (waiting, order_key, seq);

DROP INDEX IF EXISTS onlyfans_messages_status;
CREATE INDEX IF NOT EXISTS onlyfans_messages_standing ON onlyfans_messages (status, seq);

MERGE INTO onlyfans_schema (version, applied_at) KEY (version) VALUES (2, CURRENT_TIMESTAMP);
