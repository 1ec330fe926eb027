package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;
import javax.sql.DataSource;

/**
 * A process that takes orders as fast as it can, one a transaction, and stores the message that
 * each one calls for in the same transaction; now and then it changes its mind and rolls back.
 */
final class OutboxProcess {
  /** Each followed by a message's id and {@link #END}. */
  static final String BEGINS = "begins";

  static final String COMMITTED = "committed";

  /** What a line ends with; one that was cut short does not. */
  static final String END = "end";

  /** What the ids of messages end with that are rolled back. */
  static final String UNDONE = "-undone";

  static final String ORDERS =
      "CREATE TABLE orders (id VARCHAR(64) PRIMARY KEY, message_id VARCHAR(128) NOT NULL)";

  private static final String INSERT_ORDER = "INSERT INTO orders VALUES (?, ?)";

  /** How a message is stored in the caller's transaction. */
  interface Outbox {
    void store(Connection connection, OutboundMessage message) throws SQLException;
  }

  private final Connection connection;
  private final Outbox outbox;

  private OutboxProcess(Connection connection, Outbox outbox) {
    this.connection = connection;
    this.outbox = outbox;
  }

  static List<String> arguments(String jdbcUrl, String prefix, long seed) {
    return List.of(jdbcUrl, prefix, Long.toString(seed));
  }

  public static void main(String[] args) throws SQLException {
    ClaimingProcess.endWith(new BufferedReader(new InputStreamReader(System.in, UTF_8)));
    try (Connection connection = DriverManager.getConnection(args[0])) {
      connection.setAutoCommit(false);
      OutboxProcess process = new OutboxProcess(connection, outbox(unused()));
      SplittableRandom random = new SplittableRandom(Long.parseLong(args[2]));
      for (int i = 0; ; i++) {
        process.takeOrder(args[1] + "-" + i, random);
      }
    }
  }

  private void takeOrder(String name, SplittableRandom random) throws SQLException {
    boolean isUndone = random.nextInt(5) == 0;
    String id = isUndone ? name + UNDONE : name;
    say(BEGINS, id);
    if (random.nextBoolean()) {
      insertOrder(id);
      outbox.store(connection, message(id));
    } else {
      outbox.store(connection, message(id));
      insertOrder(id);
    }
    if (isUndone) {
      connection.rollback();
    } else {
      connection.commit();
      say(COMMITTED, id);
    }
  }

  private void insertOrder(String messageId) throws SQLException {
    insertOrder(connection, messageId);
  }

  static void insertOrder(Connection connection, String messageId) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(INSERT_ORDER)) {
      statement.setString(1, "order-" + messageId);
      statement.setString(2, messageId);
      statement.executeUpdate();
    }
  }

  static OutboundMessage message(String id) {
    return OutboundMessage.builder(id, "creator_1", Instant.EPOCH)
        .recipientId("fan_1")
        .content("Your order is on its way")
        .build();
  }

  private static DataSource unused() {
    return KeptConnection.proxy(
        DataSource.class,
        (self, method, arguments) -> {
          throw new SQLException("the store asked for a connection of its own");
        });
  }

  /**
   * The store's own, once it has one: {@code JdbcFallbackStore.builder(dataSource).build()::store}.
   */
  static Outbox outbox(DataSource dataSource) {
    return JdbcFallbackStore.builder(dataSource).build()::store;
  }

  private static void say(String what, String id) {
    System.out.println(String.join(" ", what, id, END));
    System.out.flush();
  }
}
