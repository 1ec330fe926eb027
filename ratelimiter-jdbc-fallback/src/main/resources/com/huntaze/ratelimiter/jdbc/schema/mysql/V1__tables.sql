-- MySQL 8.0.1 or newer, MariaDB 10.6 or newer. Changes nothing where the tables are there. All times are UTC.

CREATE TABLE IF NOT EXISTS onlyfans_messages (
  id              VARCHAR(128) NOT NULL PRIMARY KEY,
  seq             BIGINT NOT NULL AUTO_INCREMENT,
  user_id         VARCHAR(128) NOT NULL,
  creator_id      VARCHAR(128),
  recipient_id    VARCHAR(128),
  content         LONGTEXT,
  media_urls      LONGTEXT,
  metadata        LONGTEXT,
  priority        VARCHAR(16) NOT NULL,
  trace_id        VARCHAR(128),
  payload         LONGTEXT NOT NULL,
  key_id          VARCHAR(255),
  status          VARCHAR(16) NOT NULL,
  waiting         BOOLEAN GENERATED ALWAYS AS (status IN ('failed', 'rate_limited')) STORED,
  attempts        INTEGER NOT NULL DEFAULT 0,
  last_error      VARCHAR(1000),
  next_attempt_at DATETIME(6) NOT NULL,
  lease_owner     VARCHAR(64),
  lease_until     DATETIME(6),
  sqs_message_id  VARCHAR(128),
  queued_at       DATETIME(6),
  sent_at         DATETIME(6),
  created_at      DATETIME(6) NOT NULL,
  updated_at      DATETIME(6) NOT NULL,
  UNIQUE KEY onlyfans_messages_seq (seq),
  -- Claims walk the waiting rows, oldest first, and read the time from the index.
  KEY onlyfans_messages_claim (waiting, seq, next_attempt_at),
  KEY onlyfans_messages_user (user_id),
  KEY onlyfans_messages_status (status, created_at),
  KEY onlyfans_messages_queued (queued_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS onlyfans_sent_log (
  id          VARCHAR(128) NOT NULL PRIMARY KEY,
  state       VARCHAR(16) NOT NULL,
  lease_until DATETIME(6),
  sent_at     DATETIME(6),
  created_at  DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS onlyfans_schema (
  version    INTEGER NOT NULL PRIMARY KEY,
  applied_at DATETIME(6) NOT NULL
) ENGINE = InnoDB;

INSERT INTO onlyfans_schema (version, applied_at)
  VALUES (1, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE version = 1;
