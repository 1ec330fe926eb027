package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * An HTTP server in front of a {@link LocalSqs} that hands calls on as they are, counts them, and
 * makes them fail as it is told.
 *
 * <p>It speaks the JSON protocol of SQS, so that actions have the names {@code SendMessage}, {@code
 * SendMessageBatch}, {@code ReceiveMessage} and so on. A plan without actions concerns all of them.
 * It keeps nothing of a call; who wants to see calls listens to them.
 *
 * <p>Thread-safe. Listens on 127.0.0.1, on a port of its own; its threads are daemons and end with
 * {@link #close()}, which closes neither the server behind it nor any client.
 */
@SuppressWarnings("exports") // The SDK's types come from the class path, as every server's do.
public final class FaultySqs implements AutoCloseable {
  private static final int BACKLOG = 1024;
  private static final String TARGET = "X-Amz-Target";

  /** Headers of a connection, which are each side's own. */
  private static final Set<String> OWN =
      Set.of(
          "connection", "content-length", "date", "expect", "host", "transfer-encoding", "upgrade");

  static {
    // Without it, the JDK's server sends headers and body apart and waits 40 ms between them.
    if (System.getProperty("sun.net.httpserver.nodelay") == null) {
      System.setProperty("sun.net.httpserver.nodelay", "true");
    }
  }

  private final URI target;
  private final HttpServer server;
  private final DaemonThreads threads;
  private final HttpClient http;
  private final SqsFaultPlan plan = new SqsFaultPlan();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();
  private final AtomicInteger failed = new AtomicInteger();
  private volatile Consumer<Call> listener = call -> {};

  /**
   * One HTTP call that arrived.
   *
   * @param action what is asked for, such as {@code SendMessage}; empty if the call does not say
   * @param body the request's body, which is JSON
   * @param fault how it is going to fail, if it is
   */
  public record Call(String action, String body, Optional<SqsFault> fault) {}

  private FaultySqs(URI target) throws IOException {
    this.target = target;
    this.server = HttpServer.create(Loopback.at(0), BACKLOG);
    this.threads = new DaemonThreads("faulty-sqs-" + server.getAddress().getPort());
    this.http =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).executor(threads).build();
  }

  /**
   * {@return a running server that fails nothing yet}
   *
   * @param sqs what answers the calls; it starts if it has not been
   * @throws UncheckedIOException if it cannot listen on 127.0.0.1
   */
  public static FaultySqs inFrontOf(LocalSqs sqs) {
    try {
      FaultySqs faulty = new FaultySqs(sqs.endpoint());
      faulty.server.setExecutor(faulty.threads);
      faulty.server.createContext("/", faulty::handle);
      faulty.server.start();
      return faulty;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return the address for a client's {@code endpointOverride}} */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /**
   * {@return a new client of this server, which makes one HTTP call for each call of its own: the
   * SDK's retries are off} The caller closes it.
   *
   * @param callTimeout how long a call may take
   */
  public SqsClient newClient(Duration callTimeout) {
    return newClient(endpoint(), callTimeout);
  }

  /**
   * {@return a new client like that of {@link #newClient(Duration)}, for another process to reach a
   * server of which it knows the address} The caller closes it.
   *
   * @param endpoint where to send calls
   * @param callTimeout how long a call may take
   */
  public static SqsClient newClient(URI endpoint, Duration callTimeout) {
    return SqsClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(
            settings ->
                settings
                    .retryStrategy(DefaultRetryStrategy.doNotRetry())
                    .apiCallTimeout(callTimeout))
        .build();
  }

  /**
   * Makes the next calls fail, one after the other, after those already planned. These come before
   * any share.
   *
   * @param count how many calls
   * @param fault how each of them fails
   * @param actions the actions to be failed, none for all
   */
  public void failNext(int count, SqsFault fault, String... actions) {
    plan.failNext(count, requireNonNull(fault, "fault"), Set.of(actions));
  }

  /**
   * Makes every call fail until {@link #heal()}, in place of any share.
   *
   * @param fault how each of them fails
   * @param actions the actions to be failed, none for all
   */
  public void failAll(SqsFault fault, String... actions) {
    failShare(1, 0, List.of(fault), actions);
  }

  /**
   * Makes a share of all calls fail until {@link #heal()}, in place of any share before. Which
   * calls, and how, is drawn in the order of their arrival.
   *
   * @param share how likely each call is to fail, 0 to 1
   * @param seed what the draws begin with; print it
   * @param faults how calls fail, each as likely as any other
   * @param actions the actions to be failed, none for all
   * @throws IllegalArgumentException if the share is no share, or there is no fault
   */
  public void failShare(double share, long seed, List<SqsFault> faults, String... actions) {
    if (!(share >= 0 && share <= 1) || faults.isEmpty()) {
      throw new IllegalArgumentException(
          "share must be 0 to 1, was " + share + ", of one fault or more, were " + faults);
    }
    plan.failShare(share, seed, List.copyOf(faults), Set.of(actions));
  }

  /** Forgets every planned fault: calls succeed again. Counts stay. */
  public void heal() {
    plan.heal();
  }

  /**
   * Hears every call from now on, in place of whoever did before, on the call's own thread and
   * before anything becomes of it.
   *
   * @param newListener who hears; calls come side by side
   */
  public void onCall(Consumer<Call> newListener) {
    this.listener = requireNonNull(newListener, "newListener");
  }

  /** {@return how many HTTP calls arrived so far} */
  public int calls() {
    return calls.values().stream().mapToInt(AtomicInteger::get).sum();
  }

  /**
   * {@return how many HTTP calls of one action arrived so far}
   *
   * @param action the action, such as {@code SendMessage}
   */
  public int calls(String action) {
    return calls.getOrDefault(action, new AtomicInteger()).get();
  }

  /** {@return how many of all calls were made to fail} */
  public int failedCalls() {
    return failed.get();
  }

  /**
   * Stops the server: calls without an answer get none, connections are closed, threads end.
   * Closing again does nothing.
   */
  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.close();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String request = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      String target = exchange.getRequestHeaders().getFirst(TARGET);
      String action = target == null ? "" : target.substring(target.indexOf('.') + 1);
      Optional<SqsFault> fault = plan.take(action);
      calls.computeIfAbsent(action, any -> new AtomicInteger()).incrementAndGet();
      fault.ifPresent(any -> failed.incrementAndGet());
      listener.accept(new Call(action, request, fault));
      SqsAnswer answer =
          fault.isPresent()
              ? SqsAnswer.failing(fault.get(), request, body -> forward(exchange, body))
              : forward(exchange, request);
      if (fault.filter(SqsFault::hangs).isPresent()) {
        closed.await();
      }
      if (answer.status() != 0) {
        answer.headers().forEach(exchange.getResponseHeaders()::put);
        byte[] body = answer.body().getBytes(UTF_8);
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private SqsAnswer forward(HttpExchange exchange, String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(target.resolve(exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), BodyPublishers.ofString(body));
    exchange
        .getRequestHeaders()
        .forEach(
            (name, values) -> {
              if (!isOwn(name)) {
                values.forEach(value -> request.header(name, value));
              }
            });
    HttpResponse<String> answer = http.send(request.build(), BodyHandlers.ofString(UTF_8));
    Map<String, List<String>> headers = new HashMap<>(answer.headers().map());
    headers.keySet().removeIf(FaultySqs::isOwn);
    return new SqsAnswer(answer.statusCode(), headers, answer.body());
  }

  private static boolean isOwn(String header) {
    return OWN.contains(header.toLowerCase(Locale.ROOT));
  }
}
