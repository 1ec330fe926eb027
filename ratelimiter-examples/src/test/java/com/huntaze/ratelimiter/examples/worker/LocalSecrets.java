package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Answers Secrets Manager's GetSecretValue. */
final class LocalSecrets implements AutoCloseable {
  /** The text of secrets by name. */
  final Map<String, String> texts = new ConcurrentHashMap<>();

  private final JsonMapper json = JsonMapper.builder().build();
  private final HttpServer server;

  LocalSecrets() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::handle);
    server.start();
  }

  String endpoint() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
      String id = json.readTree(exchange.getRequestBody()).path("SecretId").asText();
      boolean isThere = "secretsmanager.GetSecretValue".equals(target) && texts.containsKey(id);
      Map<String, String> answer =
          isThere
              ? Map.of("Name", id, "SecretString", texts.get(id))
              : Map.of("__type", "ResourceNotFoundException");
      byte[] bytes = json.writeValueAsString(answer).getBytes(UTF_8);
      exchange.sendResponseHeaders(isThere ? 200 : 400, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
