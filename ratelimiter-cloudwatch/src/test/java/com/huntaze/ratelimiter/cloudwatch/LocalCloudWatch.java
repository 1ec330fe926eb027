package com.huntaze.ratelimiter.cloudwatch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.cbor.databind.CBORMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchClient;

/**
 * Stands for CloudWatch: takes {@code PutMetricData} in the protocol the AWS SDK speaks (Smithy RPC
 * v2, CBOR, gzip), and answers as CloudWatch does to whatever breaks its rules.
 */
final class LocalCloudWatch implements AutoCloseable {
  private static final String PATH =
      "/service/GraniteServiceVersion20100801/operation/PutMetricData";
  private static final ObjectMapper CBOR = new CBORMapper();

  /** What CloudWatch does with a call. */
  enum Mood {
    TAKES,
    DENIES,
    THROTTLES,
    FAILS,
    HANGS
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final PutMetricDataRules rules;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CountDownLatch hanging = new CountDownLatch(1);
  private final List<Datum> taken = new ArrayList<>();
  private final List<String> violations = new ArrayList<>();
  private volatile Mood mood = Mood.TAKES;
  private int calls;
  private int compressed;

  LocalCloudWatch(InstantSource clock) throws IOException {
    rules = new PutMetricDataRules(clock);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** A client without retries of its own. */
  CloudWatchClient client() {
    return CloudWatchClient.builder()
        .endpointOverride(URI.create("http://127.0.0.1:" + server.getAddress().getPort()))
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")))
        .httpClient(UrlConnectionHttpClient.create())
        .overrideConfiguration(settings -> settings.retryStrategy(AwsRetryStrategy.doNotRetry()))
        .build();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] sent = exchange.getRequestBody().readAllBytes();
      if (mood == Mood.HANGS) {
        hanging.countDown();
        closing.await();
        return;
      }
      answer(exchange, sent);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void answer(HttpExchange exchange, byte[] sent) throws IOException {
    calls++;
    notifyAll();
    switch (mood) {
      case DENIES -> refuse(exchange, 403, "AccessDenied");
      case THROTTLES -> refuse(exchange, 400, "Throttling");
      case FAILS -> refuse(exchange, 500, "InternalFailure");
      case TAKES, HANGS -> take(exchange, sent);
    }
  }

  private void take(HttpExchange exchange, byte[] sent) throws IOException {
    if (!exchange.getRequestURI().getPath().equals(PATH)
        || !"rpc-v2-cbor".equals(exchange.getRequestHeaders().getFirst("smithy-protocol"))) {
      violations.add("another operation or protocol: " + exchange.getRequestURI());
      refuse(exchange, 400, "UnknownOperation");
      return;
    }
    byte[] body = sent;
    if ("gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"))) {
      compressed++;
      body = new GZIPInputStream(new ByteArrayInputStream(sent)).readAllBytes();
    }
    JsonNode request = CBOR.readTree(body);
    List<String> broken = rules.broken(request, body.length);
    if (broken.isEmpty()) {
      taken.addAll(PutMetricDataRules.data(request));
      respond(exchange, 200, Map.of());
    } else {
      violations.addAll(broken);
      refuse(exchange, 400, "InvalidParameterValue");
    }
  }

  private static void refuse(HttpExchange exchange, int status, String code) throws IOException {
    exchange.getResponseHeaders().set("x-amzn-query-error", code + ";Sender");
    String type =
        "com.amazonaws.cloudwatch#" + code + (code.equals("Throttling") ? "" : "Exception");
    respond(exchange, status, Map.of("__type", type, "message", "quoting what was sent"));
  }

  private static void respond(HttpExchange exchange, int status, Map<String, String> body)
      throws IOException {
    byte[] bytes = CBOR.writeValueAsBytes(body);
    exchange.getResponseHeaders().set("smithy-protocol", "rpc-v2-cbor");
    exchange.getResponseHeaders().set("Content-Type", "application/cbor");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  void mood(Mood mood) {
    this.mood = mood;
  }

  /** Waits until a call hangs. */
  void awaitHanging() throws InterruptedException {
    hanging.await();
  }

  synchronized void awaitCalls(int number) throws InterruptedException {
    while (calls < number) {
      wait();
    }
  }

  synchronized int calls() {
    return calls;
  }

  synchronized int compressed() {
    return compressed;
  }

  synchronized List<String> violations() {
    return List.copyOf(violations);
  }

  synchronized List<Datum> data() {
    return List.copyOf(taken);
  }

  Statistics statistics(String name, Map<String, String> dimensions) {
    return Statistics.of(
        data().stream()
            .filter(each -> each.name().equals(name) && each.dimensions().equals(dimensions))
            .toList());
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
