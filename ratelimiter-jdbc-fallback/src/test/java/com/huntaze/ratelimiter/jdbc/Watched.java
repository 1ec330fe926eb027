package com.huntaze.ratelimiter.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;

/**
 * A small pool that lends connections again as they were given back, and complains of those that
 * are not as they were lent. Keeps the statements that were prepared.
 */
final class Watched implements AutoCloseable {
  private final DataSource real;
  private final Deque<Connection> idle = new ArrayDeque<>();
  private final AtomicInteger lent = new AtomicInteger();
  private final Queue<String> prepared = new ConcurrentLinkedQueue<>();
  private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
  private volatile UnaryOperator<Connection> lend = UnaryOperator.identity();
  private volatile boolean autoCommit = true;

  Watched(DataSource real) {
    this.real = real;
  }

  /** The pool, as the code under test sees it. */
  DataSource dataSource() {
    return proxy(
        DataSource.class,
        (method, arguments) -> {
          assertThat(method.getName()).isEqualTo("getConnection");
          return lend();
        });
  }

  /** Lends connections with auto-commit off, as some pools do. */
  Watched withoutAutoCommit() {
    autoCommit = false;
    return this;
  }

  /** Puts something between the code under test and each connection it borrows from now on. */
  void lendThrough(UnaryOperator<Connection> wrapper) {
    lend = wrapper;
  }

  /** The statements so far, in order. */
  List<String> prepared() {
    return List.copyOf(prepared);
  }

  void forgetPrepared() {
    prepared.clear();
  }

  void assertAllGivenBackInOrder() {
    assertThat(complaints).isEmpty();
    assertThat(lent).as("connections lent and not given back").hasValue(0);
  }

  /** Closes what was given back. */
  @Override
  public void close() throws SQLException {
    synchronized (idle) {
      for (Connection connection : idle) {
        connection.close();
      }
      idle.clear();
    }
  }

  private Connection lend() throws SQLException {
    Connection connection;
    synchronized (idle) {
      connection = idle.pollFirst();
    }
    Connection own = connection == null ? real.getConnection() : connection;
    own.setAutoCommit(autoCommit);
    lent.incrementAndGet();
    return lend.apply(
        proxy(
            Connection.class,
            (method, arguments) -> {
              if (method.getName().equals("close")) {
                giveBack(own);
                return null;
              }
              if (method.getName().equals("prepareStatement")) {
                prepared.add((String) arguments[0]);
              }
              return call(own, method, arguments);
            }));
  }

  private void giveBack(Connection connection) throws SQLException {
    lent.decrementAndGet();
    if (connection.getAutoCommit() != autoCommit) {
      complaints.add("auto-commit was left " + connection.getAutoCommit());
    }
    synchronized (idle) {
      idle.addFirst(connection);
    }
  }

  interface Answer {
    Object to(Method method, Object[] arguments) throws Throwable;
  }

  static <T> T proxy(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            Watched.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> answer.to(method, arguments)));
  }

  static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
