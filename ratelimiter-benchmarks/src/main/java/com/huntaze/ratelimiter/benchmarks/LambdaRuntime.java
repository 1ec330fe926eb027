package com.huntaze.ratelimiter.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Lambda's runtime API, for one event: notes when the function has answered it. Thread-safe. */
final class LambdaRuntime implements AutoCloseable {
  private record Answer(String path, String body, long nanos) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
  private final AtomicBoolean isHandedOut = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final byte[] event;

  LambdaRuntime(String event) throws IOException {
    this.event = event.getBytes(UTF_8);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/2018-06-01/runtime/", this::handle);
    server.start();
  }

  String address() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** When the event was answered; the answer must be that nothing failed. */
  long answered() throws IOException, InterruptedException {
    Answer answer = answers.poll(60, TimeUnit.SECONDS);
    if (answer == null
        || !answer.path().endsWith("/response")
        || !answer.body().equals("{\"batchItemFailures\":[]}")) {
      throw new IOException("the function answered " + answer);
    }
    return answer.nanos();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      if (!path.endsWith("/invocation/next")) {
        answers.add(new Answer(path, body, System.nanoTime()));
        exchange.sendResponseHeaders(202, -1);
        return;
      }
      if (isHandedOut.getAndSet(true)) {
        closed.await();
        return;
      }
      Headers headers = exchange.getResponseHeaders();
      headers.set("Content-Type", "application/json");
      headers.set("Lambda-Runtime-Aws-Request-Id", "request-1");
      headers.set("Lambda-Runtime-Deadline-Ms", "" + (System.currentTimeMillis() + 30_000));
      headers.set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:0:function:f");
      headers.set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700");
      exchange.sendResponseHeaders(200, event.length);
      exchange.getResponseBody().write(event);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
