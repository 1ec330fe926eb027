-- Who holds a call, and how often its message was revived. One statement, so that it is applied wholly
-- or not at all.

ALTER TABLE onlyfans_sent_log
  ADD COLUMN holder VARCHAR(128),
  ADD COLUMN revival INTEGER NOT NULL DEFAULT 0,
  -- What is old enough to be purged.
  ADD KEY onlyfans_sent_log_created (created_at);

INSERT INTO onlyfans_schema (version, applied_at)
  VALUES (3, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE version = 3;
