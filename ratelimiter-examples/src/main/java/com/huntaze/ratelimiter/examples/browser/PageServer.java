package com.huntaze.ratelimiter.examples.browser;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Serves the page on 127.0.0.1, and passes what it posts on to the API, so that page and API have
 * one origin to the browser.
 *
 * <p>What is posted is passed on once at most. Where the API gives no answer, the page gets none
 * either, so that it cannot mistake one for a refusal; an API that cannot be connected to is a 503.
 * Each answer ends its connection: a browser repeats a request by itself on one that it kept.
 * Thread-safe; its threads are daemons and end with {@link #close()}.
 */
public final class PageServer implements AutoCloseable {
  private static final Duration API_TIMEOUT = Duration.ofMinutes(3);
  private static final int MAX_REQUEST_BYTES = 1_048_576;
  private static final int MAX_ANSWER_BYTES = 16_384;

  private final URI api;
  private final HttpServer server;
  private final ExecutorService threads;
  private final byte[] page;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  private PageServer(URI api, HttpServer server) throws IOException {
    this.api = api;
    this.server = server;
    AtomicInteger number = new AtomicInteger();
    this.threads =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "page-server-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    try (InputStream resource = PageServer.class.getResourceAsStream("send.html")) {
      if (resource == null) {
        throw new IllegalStateException("the page is not on the class path");
      }
      this.page = resource.readAllBytes();
    }
  }

  /**
   * Starts a server on any port.
   *
   * @param api the API's base, without a slash at its end
   * @return a running server
   * @throws UncheckedIOException if it cannot listen
   */
  public static PageServer start(URI api) {
    try {
      PageServer pages =
          new PageServer(
              api,
              HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
      pages.server.setExecutor(pages.threads);
      pages.server.createContext("/", pages::answer);
      pages.server.start();
      return pages;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return where the page is: {@code http://127.0.0.1:port/}} */
  public URI page() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Connection", "close");
      String path = exchange.getRequestURI().getRawPath();
      boolean isGet = exchange.getRequestMethod().equals("GET");
      if (isGet && path.equals("/")) {
        exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
        reply(exchange, 200, page);
      } else if (exchange.getRequestMethod().equals("POST") && isFromThePage(exchange)) {
        passOn(exchange, path);
      } else {
        reply(exchange, isGet ? 404 : 400, new byte[0]);
      }
    }
  }

  /** Another site's page could post here, but not with these headers. */
  private static boolean isFromThePage(HttpExchange exchange) {
    Headers headers = exchange.getRequestHeaders();
    return headers.containsKey("Idempotency-Key") && headers.containsKey("X-Creator-Id");
  }

  private void passOn(HttpExchange exchange, String path) throws IOException {
    byte[] body = exchange.getRequestBody().readNBytes(MAX_REQUEST_BYTES + 1);
    if (body.length > MAX_REQUEST_BYTES) {
      reply(exchange, 413, new byte[0]);
      return;
    }
    HttpResponse<InputStream> response;
    try {
      response =
          http.send(request(exchange, path, body), HttpResponse.BodyHandlers.ofInputStream());
    } catch (ConnectException e) {
      reply(exchange, 503, new byte[0]);
      return;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    try (InputStream said = response.body()) {
      response
          .headers()
          .firstValue("Retry-After")
          .ifPresent(value -> exchange.getResponseHeaders().set("Retry-After", value));
      exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
      reply(exchange, response.statusCode(), said.readNBytes(MAX_ANSWER_BYTES));
    }
  }

  private HttpRequest request(HttpExchange exchange, String path, byte[] body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(api + path))
            .timeout(API_TIMEOUT)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    Headers headers = exchange.getRequestHeaders();
    for (String name :
        new String[] {"Content-Type", "Idempotency-Key", "X-Creator-Id", "User-Agent"}) {
      String value = headers.getFirst(name);
      if (value != null) {
        request.header(name, value);
      }
    }
    return request.build();
  }

  private static void reply(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    if (body.length > 0) {
      exchange.getResponseBody().write(body);
    }
  }

  /** Ends it: connections are closed, and calls to the API that are under way are left. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
