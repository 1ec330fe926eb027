package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Answers {@code GET /health}: 200 while the worker works, else 503, and why as JSON. A client that
 * stalls keeps one of a few threads; beyond these a connection is closed without an answer.
 */
final class HealthServer implements AutoCloseable {
  private static final int MOST_AT_ONCE = 8;

  private final HttpServer http;
  private final ExecutorService threads;
  private final Supplier<Health.Answer> health;

  private HealthServer(HttpServer http, Supplier<Health.Answer> health) {
    this.http = http;
    this.threads =
        new ThreadPoolExecutor(
            0, MOST_AT_ONCE, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), HealthServer::thread);
    this.health = health;
  }

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work, "worker-health");
    thread.setDaemon(true);
    return thread;
  }

  static HealthServer start(int port, Supplier<Health.Answer> health) throws IOException {
    HealthServer server =
        new HealthServer(HttpServer.create(new InetSocketAddress(port), 0), health);
    server.http.setExecutor(server.threads);
    server.http.createContext("/health", server::answer);
    server.http.start();
    return server;
  }

  int port() {
    return http.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Health.Answer answer = health.get();
      byte[] body = answer.json().getBytes(UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(answer.works() ? 200 : 503, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  @Override
  public void close() {
    http.stop(0);
    threads.shutdownNow();
  }
}
