package com.huntaze.ratelimiter.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A row that was leased, still to be read. */
record ClaimedRow(
    String creator,
    String id,
    String payload,
    @Nullable String keyId,
    int revivals,
    int attempts,
    @Nullable String lastError,
    Instant createdAt,
    Instant now) {

  /** Reads columns 1 and 3 to 10 of a claim. */
  static ClaimedRow read(Dialect dialect, ResultSet row) throws SQLException {
    return new ClaimedRow(
        row.getString(1),
        row.getString(3),
        row.getString(4),
        row.getString(5),
        Math.max(0, row.getInt(6)),
        Math.max(0, row.getInt(7)),
        row.getString(8),
        dialect.instant(row, 9),
        dialect.instant(row, 10));
  }

  @Override
  public String toString() {
    return "ClaimedRow[" + id + "]";
  }
}
