-- A creator's messages in order, revivals, and leases that touch no index. Rewrites the table. One
-- statement, so that it is applied wholly or not at all.

ALTER TABLE onlyfans_messages
  ADD COLUMN order_key VARCHAR(128) GENERATED ALWAYS AS (COALESCE(creator_id, user_id)) STORED,
  ADD COLUMN revivals INTEGER NOT NULL DEFAULT 0,
  DROP KEY onlyfans_messages_claim,
  -- Claims walk the waiting rows, oldest first. The time is not in the index: a lease changes it.
  -- Claims of version 1 ask for this index by name.
  ADD KEY onlyfans_messages_claim (waiting, seq),
  ADD KEY onlyfans_messages_order (waiting, order_key, seq),
  DROP KEY onlyfans_messages_status,
  ADD KEY onlyfans_messages_standing (status, seq),
  -- Rows lie in the order of storing, not in that of random ids.
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (seq),
  ADD UNIQUE KEY onlyfans_messages_id (id),
  DROP KEY onlyfans_messages_seq;

INSERT INTO onlyfans_schema (version, applied_at)
  VALUES (2, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE version = 2;
