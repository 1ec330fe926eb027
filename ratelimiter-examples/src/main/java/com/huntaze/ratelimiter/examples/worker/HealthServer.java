package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;

/** Answers {@code GET /health}: 200 while the worker works, else 503, and why as JSON. */
final class HealthServer implements AutoCloseable {
  private final HttpServer http;
  private final Health health;

  private HealthServer(HttpServer http, Health health) {
    this.http = http;
    this.health = health;
  }

  static HealthServer start(int port, Health health) throws IOException {
    HealthServer server =
        new HealthServer(HttpServer.create(new InetSocketAddress(port), 0), health);
    server.http.createContext("/health", server::answer);
    server.http.start();
    return server;
  }

  int port() {
    return http.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Health.Answer answer = health.answer();
      byte[] body = answer.json().getBytes(UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(answer.works() ? 200 : 503, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
