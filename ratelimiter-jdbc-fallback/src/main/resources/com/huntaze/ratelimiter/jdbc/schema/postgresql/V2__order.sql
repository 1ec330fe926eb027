-- A creator's messages in order, revivals, and leases that touch no index. Rewrites the table.

ALTER TABLE onlyfans_messages
  ADD COLUMN IF NOT EXISTS order_key VARCHAR(128)
    GENERATED ALWAYS AS (COALESCE(creator_id, user_id)) STORED,
  ADD COLUMN IF NOT EXISTS revivals INTEGER NOT NULL DEFAULT 0;

-- Room on each page for the new versions of all its rows, since a claim leases them together.
ALTER TABLE onlyfans_messages SET (fillfactor = 50);

-- Claims walk the waiting rows, oldest first. The time is not in the index: a lease changes it. Nor
-- are the columns of other indexes, so that storing and replaying a message writes to few of them.
DROP INDEX IF EXISTS onlyfans_messages_claim;
CREATE INDEX IF NOT EXISTS onlyfans_messages_claim
  ON onlyfans_messages (seq) INCLUDE (status) WHERE waiting;
CREATE INDEX IF NOT EXISTS onlyfans_messages_order
  ON onlyfans_messages (order_key, seq) WHERE waiting;

-- Where the other rows stand.
DROP INDEX IF EXISTS onlyfans_messages_status;
CREATE INDEX IF NOT EXISTS onlyfans_messages_standing
  ON onlyfans_messages (status, seq) WHERE NOT waiting;

INSERT INTO onlyfans_schema (version, applied_at)
  VALUES (2, CURRENT_TIMESTAMP) ON CONFLICT DO NOTHING;
