package com.huntaze.ratelimiter.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import javax.sql.DataSource;

/**
 * Lends one connection again and again, so that the database can tell who does what. For one thread
 * that borrows one at a time.
 */
final class KeptConnection implements AutoCloseable {
  private final Connection kept;

  private KeptConnection(Connection kept) {
    this.kept = kept;
  }

  static KeptConnection to(String jdbcUrl) throws SQLException {
    return new KeptConnection(DriverManager.getConnection(jdbcUrl));
  }

  DataSource dataSource() {
    Connection lent =
        proxy(
            Connection.class,
            (self, method, arguments) -> {
              try {
                return method.getName().equals("close") ? null : method.invoke(kept, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
    return proxy(DataSource.class, (self, method, arguments) -> lent);
  }

  static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            KeptConnection.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  @Override
  public void close() throws SQLException {
    kept.close();
  }
}
