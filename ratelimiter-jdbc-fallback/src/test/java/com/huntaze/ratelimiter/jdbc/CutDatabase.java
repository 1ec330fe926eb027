package com.huntaze.ratelimiter.jdbc;

import com.huntaze.ratelimiter.testkit.LocalDatabase;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/**
 * A database whose connections break at a chosen call: of those that reach the server, statements
 * and commits and the like, the n-th. Every connection is a new one. For one thread at a time.
 */
final class CutDatabase implements AutoCloseable {
  /** What does not arrive any more. */
  enum Lost {
    THE_REQUEST,
    THE_ANSWER
  }

  private static final Set<String> ON_CONNECTION = Set.of("commit", "rollback", "setAutoCommit");

  private final TcpProxy proxy;
  private final DataSource real;
  private int calls;
  private int cutAt;
  private Lost lost = Lost.THE_REQUEST;
  private boolean isSilent;

  /**
   * Stands in front of a server.
   *
   * @param parameters what the URL ends with, such as time-outs
   */
  CutDatabase(InetSocketAddress server, LocalDatabase database, String parameters) {
    this.proxy = TcpProxy.to(server);
    String url = database.via(proxy.address()).jdbcUrl() + parameters;
    this.real =
        Watched.proxy(DataSource.class, (method, arguments) -> DriverManager.getConnection(url));
  }

  TcpProxy proxy() {
    return proxy;
  }

  DataSource dataSource() {
    return Watched.proxy(DataSource.class, (method, arguments) -> counted(real.getConnection()));
  }

  /** Counts calls from now on, and breaks every connection at one of them, once. */
  void cutAt(int call, Lost what) {
    calls = 0;
    cutAt = call;
    lost = what;
    isSilent = false;
  }

  /** Counts calls from now on, and has nothing arrive any more from one of them on. */
  void silentAt(int call, Lost what) {
    cutAt(call, what);
    isSilent = true;
  }

  /** How many calls there have been. */
  int calls() {
    return calls;
  }

  /** Whether there have been as many calls as that. */
  boolean isReached() {
    return calls >= cutAt;
  }

  /** Gives the database back; what was held back by a silence still arrives. */
  void restore() {
    cutAt = 0;
    proxy.restore();
  }

  private Connection counted(Connection connection) {
    return Watched.proxy(
        Connection.class,
        (method, arguments) -> {
          String name = method.getName();
          if (name.equals("prepareStatement")) {
            return counted((PreparedStatement) Watched.call(connection, method, arguments));
          }
          return ON_CONNECTION.contains(name)
              ? call(() -> Watched.call(connection, method, arguments))
              : Watched.call(connection, method, arguments);
        });
  }

  private PreparedStatement counted(PreparedStatement statement) {
    return Watched.proxy(
        PreparedStatement.class,
        (method, arguments) ->
            method.getName().startsWith("execute")
                ? call(() -> Watched.call(statement, method, arguments))
                : Watched.call(statement, method, arguments));
  }

  private interface Call {
    Object run() throws Throwable;
  }

  private Object call(Call call) throws Throwable {
    calls++;
    if (calls != cutAt) {
      return call.run();
    }
    if (lost == Lost.THE_REQUEST) {
      proxy.stall();
    } else {
      proxy.stallAnswers();
    }
    if (isSilent) {
      return call.run();
    }
    CompletableFuture<Void> returned = new CompletableFuture<>();
    CompletableFuture<Boolean> cutting = CompletableFuture.supplyAsync(() -> cutOnce(returned));
    try {
      return call.run();
    } finally {
      returned.complete(null);
      if (!cutting.get(30, TimeUnit.SECONDS)) {
        proxy.restore();
      }
    }
  }

  /** Cuts as soon as something is on its way; never if the call returns without. */
  private boolean cutOnce(CompletableFuture<Void> returned) {
    while (!proxy.holdsBack()) {
      if (returned.isDone()) {
        return false;
      }
      LockSupport.parkNanos(1_000_000);
    }
    proxy.cut();
    return true;
  }

  @Override
  public void close() {
    proxy.close();
  }
}
