package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands for Secrets Manager: takes {@code GetSecretValue} in AWS's JSON 1.1, signed with the key
 * {@code local}. Calls of other services it passes on.
 */
final class LocalSecretsManager implements AutoCloseable {
  private static final String TARGET = "secretsmanager.GetSecretValue";

  /** What it does with a call. */
  enum Mood {
    ANSWERS,
    DENIES,
    FAILS,
    HANGS
  }

  /** The text of secrets by name, as JSON has it. */
  final Map<String, String> secrets = new ConcurrentHashMap<>();

  final List<String> violations = new CopyOnWriteArrayList<>();
  final AtomicInteger calls = new AtomicInteger();
  volatile Mood mood = Mood.ANSWERS;

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpClient http = HttpClient.newHttpClient();
  private final URI others;
  private final CountDownLatch closing = new CountDownLatch(1);

  LocalSecretsManager(URI others) throws IOException {
    this.others = others;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String target = String.valueOf(exchange.getRequestHeaders().getFirst("X-Amz-Target"));
      if (!target.startsWith("secretsmanager.")) {
        passOn(exchange, target, body);
        return;
      }
      calls.incrementAndGet();
      String fault =
          SignatureV4.fault(exchange.getRequestHeaders(), body, "secretsmanager", "local");
      if (!fault.isEmpty()
          || !target.equals(TARGET)
          || !"application/x-amz-json-1.1"
              .equals(exchange.getRequestHeaders().getFirst("Content-Type"))) {
        violations.add(fault + " " + target);
      }
      switch (mood) {
        case ANSWERS -> answer(exchange, new String(body, UTF_8));
        case DENIES -> respond(exchange, 400, "{\"__type\":\"AccessDeniedException\"}");
        case FAILS -> respond(exchange, 500, "quoting what was sent");
        case HANGS -> closing.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void answer(HttpExchange exchange, String body) throws IOException {
    for (Map.Entry<String, String> secret : secrets.entrySet()) {
      if (body.equals("{\"SecretId\":\"" + secret.getKey() + "\"}")) {
        respond(
            exchange,
            200,
            "{\"ARN\":\"arn\",\"CreatedDate\":1.5E9,\"Name\":\"n\",\"SecretString\":\""
                + secret.getValue()
                + "\",\"VersionId\":\"v\",\"VersionStages\":[\"AWSCURRENT\"]}");
        return;
      }
    }
    respond(
        exchange,
        400,
        "{\"__type\":\"com.amazonaws.secretsmanager#ResourceNotFoundException\",\"Message\":\"m\"}");
  }

  private void passOn(HttpExchange exchange, String target, byte[] body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(others.resolve(exchange.getRequestURI()))
            .header("Content-Type", exchange.getRequestHeaders().getFirst("Content-Type"))
            .header("X-Amz-Target", target)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build();
    HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
    respond(exchange, answer.statusCode(), answer.body());
  }

  private static void respond(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
