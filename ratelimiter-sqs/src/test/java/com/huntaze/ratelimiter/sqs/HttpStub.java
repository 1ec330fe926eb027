package com.huntaze.ratelimiter.sqs;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands for SQS and gives one answer to every call, or none. */
final class HttpStub implements AutoCloseable {
  static final String REQUEST_ID = "7f3d2c1b-request";

  /** What is answered: a status, headers and a body. */
  record Answer(int status, Map<String, String> headers, String body) {
    /** An error of the JSON protocol, whose text quotes what was sent. */
    static Answer error(int status, String type, String queryCode) {
      String text =
          "{\"__type\":\"com.amazonaws.sqs#%s\",\"message\":\"quoting %s\"}"
              .formatted(type, Messages.SECRET);
      return queryCode.isEmpty()
          ? new Answer(status, Map.of(), text)
          : new Answer(status, Map.of("x-amzn-query-error", queryCode + ";Sender"), text);
    }
  }

  private final AtomicInteger calls = new AtomicInteger();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer server;

  private interface Handling {
    void answer(HttpExchange exchange, CountDownLatch closing) throws Exception;
  }

  private HttpStub(Handling handling) throws IOException {
    this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          calls.incrementAndGet();
          exchange.getRequestBody().readAllBytes();
          try (exchange) {
            handling.answer(exchange, closing);
          } catch (IOException e) {
            throw e;
          } catch (Exception e) {
            throw new IOException(e);
          }
        });
    server.start();
  }

  static HttpStub answering(Answer answer) throws IOException {
    return new HttpStub(
        (exchange, closing) -> {
          exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.0");
          exchange.getResponseHeaders().set("x-amzn-RequestId", REQUEST_ID);
          answer.headers().forEach(exchange.getResponseHeaders()::set);
          byte[] body = answer.body().getBytes(UTF_8);
          exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
          if (body.length > 0) {
            exchange.getResponseBody().write(body);
          }
        });
  }

  /** Reads the call and breaks the connection. */
  static HttpStub breaking() throws IOException {
    return new HttpStub((exchange, closing) -> {});
  }

  /** Reads the call and never answers. */
  static HttpStub silent() throws IOException {
    return new HttpStub((exchange, closing) -> closing.await());
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  int calls() {
    return calls.get();
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
