package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.limit.Ticker;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLDecoder;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The HTTP side of the fake API: reads requests, records them, and does what the log decides. */
final class ApiServer implements AutoCloseable {
  private static final Pattern PATH = Pattern.compile("/chats/([^/]+)/messages");
  private static final int BACKLOG = 1024;

  static {
    // Without it, the JDK's server sends headers and body apart and waits 40 ms between them.
    if (System.getProperty("sun.net.httpserver.nodelay") == null) {
      System.setProperty("sun.net.httpserver.nodelay", "true");
    }
  }

  private final CountDownLatch closed = new CountDownLatch(1);
  private final CallLog log;
  private final Duration latency;
  private final Ticker ticker;
  private final HttpServer http;
  private final DaemonThreads threads;

  private ApiServer(CallLog log, Duration latency, Ticker ticker) throws IOException {
    this.log = log;
    this.latency = latency;
    this.ticker = ticker;
    this.http = HttpServer.create(Loopback.at(0), BACKLOG);
    this.threads = new DaemonThreads("fake-onlyfans-api-" + http.getAddress().getPort());
  }

  static ApiServer start(CallLog log, Duration latency, Ticker ticker) {
    try {
      ApiServer server = new ApiServer(log, latency, ticker);
      server.http.setExecutor(server.threads);
      server.http.createContext("/", server::handle);
      server.http.start();
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  URI baseUri() {
    return URI.create("http://127.0.0.1:" + http.getAddress().getPort());
  }

  @Override
  public void close() {
    closed.countDown();
    http.stop(0);
    threads.close();
  }

  private void handle(HttpExchange exchange) throws IOException {
    long arrival = ticker.nanos();
    Matcher path = PATH.matcher(exchange.getRequestURI().getRawPath());
    try (exchange) {
      if (exchange.getRequestMethod().equals("POST") && path.matches()) {
        call(exchange, arrival, decode(path.group(1)));
      } else {
        log.unexpected(exchange.getRequestMethod() + " " + exchange.getRequestURI());
        exchange.sendResponseHeaders(404, -1);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void call(HttpExchange exchange, long nanos, String recipientId)
      throws IOException, InterruptedException {
    CallLog.Arrival arrival =
        log.arrive(
            nanos,
            header(exchange, "Idempotency-Key").orElse(""),
            header(exchange, "X-Creator-Id").orElse(""),
            recipientId,
            header(exchange, "traceparent"));
    Answer answer = arrival.answer();
    String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    if (answer.delivers()) {
      log.deliver(arrival.call(), body);
    }
    Duration hold = latency.plus(answer.hold());
    boolean gone = closed.await(hold.toNanos(), TimeUnit.NANOSECONDS);
    if (answer.status() != 0 && !gone) {
      answer(exchange, answer, arrival.call().messageId());
    }
  }

  private static void answer(HttpExchange exchange, Answer answer, String messageId)
      throws IOException {
    answer
        .retryAfter()
        .ifPresent(
            time -> exchange.getResponseHeaders().set("Retry-After", Answer.inWholeSeconds(time)));
    String json =
        answer.status() == 200
            ? "{\"id\":\"" + messageId.replace("\\", "\\\\").replace("\"", "\\\"") + "\"}"
            : "{\"error\":" + answer.status() + "}";
    byte[] bytes = json.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(answer.status(), bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static Optional<String> header(HttpExchange exchange, String name) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
  }

  private static String decode(String pathSegment) {
    return URLDecoder.decode(pathSegment.replace("+", "%2B"), UTF_8);
  }
}
