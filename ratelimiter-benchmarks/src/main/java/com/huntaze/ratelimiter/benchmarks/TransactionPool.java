package com.huntaze.ratelimiter.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A pool that gives a thread the same connection as long as that is in a transaction, for those who
 * take part in the transactions of others. One such pool a thread at a time. Thread-safe.
 */
final class TransactionPool extends HikariDataSource {
  private static final ThreadLocal<@Nullable Connection> CURRENT = new ThreadLocal<>();

  TransactionPool(HikariConfig config) {
    super(config);
  }

  /** Does work in one transaction. */
  void inTransaction(Runnable work) {
    try (Connection connection = super.getConnection()) {
      connection.setAutoCommit(false);
      try {
        CURRENT.set(unclosable(connection));
        work.run();
        connection.commit();
      } finally {
        CURRENT.remove();
        connection.setAutoCommit(true);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public Connection getConnection() throws SQLException {
    Connection mine = CURRENT.get();
    return mine == null ? super.getConnection() : mine;
  }

  private static Connection unclosable(Connection connection) {
    return (Connection)
        Proxy.newProxyInstance(
            TransactionPool.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) ->
                method.getName().equals("close") ? null : call(connection, method, arguments));
  }

  private static @Nullable Object call(
      Connection connection, Method method, Object @Nullable [] arguments) throws Throwable {
    try {
      return method.invoke(connection, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }
}
