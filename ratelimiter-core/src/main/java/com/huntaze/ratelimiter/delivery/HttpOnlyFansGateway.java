package com.huntaze.ratelimiter.delivery;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import javax.net.ssl.SSLHandshakeException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls the external API over HTTP/1.1: {@code POST {base}/chats/{recipient}/messages}.
 *
 * <p>Thread-safe. One call is one request: redirects are not followed and nothing is retried. The
 * message's id travels as {@code Idempotency-Key}, the account, percent-encoded, as {@code
 * X-Creator-Id}. Credentials come from a supplier for every call, so that they can rotate, and are
 * never logged. An answer that does not come within the time-out is an ambiguous {@link
 * GatewayException}.
 */
public final class HttpOnlyFansGateway implements OnlyFansGateway {
  private static final Logger log = LoggerFactory.getLogger(HttpOnlyFansGateway.class);
  private static final int MAX_DATA = 4_096;
  private static final long MAX_WAIT_SECONDS = Duration.ofHours(24).toSeconds();
  private static final String CANNED_ANSWER =
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

  private final URI baseUrl;
  private final String userAgent;
  private final Optional<Supplier<String>> apiKey;
  private final InstantSource clock;
  private final HttpClient http;
  private final JsonMapper json = JsonMapper.builder().build();

  private HttpOnlyFansGateway(Builder builder) {
    this.baseUrl = builder.baseUrl;
    this.userAgent = builder.userAgent;
    this.apiKey = builder.apiKey;
    this.clock = builder.clock;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(builder.connectTimeout)
            .build();
  }

  /**
   * Starts a gateway.
   *
   * @param baseUrl the API's base, http or https, with a host
   * @return a builder
   * @throws IllegalArgumentException if it is no such URL
   */
  public static Builder builder(URI baseUrl) {
    return new Builder(baseUrl);
  }

  @Override
  public GatewayResponse call(OutboundMessage message, Duration timeout) {
    String id = message.messageId();
    HttpRequest request = authorised(message, timeout);
    // The request's own time-out ends with the headers; this one covers the body too.
    CompletableFuture<HttpResponse<String>> answer =
        http.sendAsync(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    try {
      HttpResponse<String> response = answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return new GatewayResponse(
          response.statusCode(),
          response.headers().firstValue("Retry-After").flatMap(this::retryAfter),
          Optional.of(response.body())
              .filter(body -> !body.isEmpty())
              .map(body -> body.substring(0, Math.min(body.length(), MAX_DATA))));
    } catch (ExecutionException e) {
      boolean neverLeft =
          e.getCause() instanceof ConnectException
              || e.getCause() instanceof HttpConnectTimeoutException
              || e.getCause() instanceof SSLHandshakeException;
      String what = neverLeft ? "no connection for " : "no answer for ";
      throw new GatewayException(what + id, !neverLeft, e.getCause());
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new GatewayException("no answer in time for " + id, true, e);
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new GatewayException("interrupted while calling for " + id, true, e);
    }
  }

  /** The request with the current credentials; without them, or with nonsense, nothing leaves. */
  private HttpRequest authorised(OutboundMessage message, Duration timeout) {
    try {
      Optional<String> key = apiKey.map(supplier -> requireNonNull(supplier.get(), "apiKey"));
      return request(baseUrl, message, key, timeout);
    } catch (RuntimeException e) {
      // Not chained: such exceptions quote the header, and so the key.
      throw new GatewayException(
          "no request could be made for " + message.messageId() + ": " + e.getClass().getName(),
          false,
          null);
    }
  }

  /** Sends one request to a socket of this machine that answers 200, and to nobody else. */
  @Override
  public void warmUp() {
    OutboundMessage message =
        OutboundMessage.builder("warm-up", "warm-up", clock.instant())
            .recipientId("warm-up")
            .content("warm-up")
            .build();
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      URI here = new URI("http", null, "127.0.0.1", socket.getLocalPort(), "", null, null);
      CompletableFuture<HttpResponse<String>> answer =
          http.sendAsync(
              request(here, message, Optional.empty(), Duration.ofSeconds(2)),
              HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      socket.setSoTimeout(2_000);
      try (Socket connection = socket.accept()) {
        connection.getOutputStream().write(CANNED_ANSWER.getBytes(StandardCharsets.US_ASCII));
        answer.get(2, TimeUnit.SECONDS);
      }
    } catch (IOException | URISyntaxException | ExecutionException | TimeoutException e) {
      log.debug("The gateway could not warm up; its first call may be slow", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private HttpRequest request(
      URI base, OutboundMessage message, Optional<String> key, Duration timeout) {
    String recipient = encoded(message.recipientId().orElse("-"));
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + "/chats/" + recipient + "/messages"))
            .timeout(timeout)
            .header("Content-Type", "application/json")
            .header("User-Agent", userAgent)
            .header("Idempotency-Key", message.messageId())
            .header("X-Creator-Id", encoded(message.creator()))
            .POST(HttpRequest.BodyPublishers.ofString(body(message)));
    key.ifPresent(token -> request.header("Authorization", "Bearer " + token));
    return request.build();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private String body(OutboundMessage message) {
    Map<String, Object> body = new LinkedHashMap<>();
    message.content().ifPresent(content -> body.put("text", content));
    if (!message.mediaUrls().isEmpty()) {
      body.put("mediaUrls", message.mediaUrls());
    }
    try {
      return json.writeValueAsString(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("text and URLs must be writable as JSON");
    }
  }

  /** Seconds or a date; a date in the past is zero. */
  private Optional<Duration> retryAfter(String value) {
    try {
      long seconds = Long.parseLong(value.strip());
      return Optional.of(Duration.ofSeconds(Math.min(MAX_WAIT_SECONDS, Math.max(0, seconds))));
    } catch (NumberFormatException notSeconds) {
      try {
        Instant date =
            ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        Duration wait = Duration.between(clock.instant(), date);
        long seconds = Math.min(MAX_WAIT_SECONDS, Math.max(0, wait.plusMillis(999).toSeconds()));
        return Optional.of(Duration.ofSeconds(seconds));
      } catch (DateTimeParseException notADate) {
        return Optional.empty();
      }
    }
  }

  /** Sets up an {@link HttpOnlyFansGateway}. Not thread-safe. */
  public static final class Builder {
    private final URI baseUrl;
    private String userAgent = "huntaze-ratelimiter";
    private Optional<Supplier<String>> apiKey = Optional.empty();
    private Duration connectTimeout = Duration.ofSeconds(5);
    private InstantSource clock = InstantSource.system();

    private Builder(URI baseUrl) {
      requireNonNull(baseUrl, "baseUrl");
      String scheme = baseUrl.getScheme();
      if (baseUrl.getHost() == null
          || !("http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme))) {
        throw new IllegalArgumentException(
            "baseUrl must be http:// or https:// with a host, was '" + baseUrl + "'");
      }
      String text = baseUrl.toString();
      this.baseUrl = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
    }

    /**
     * Sets what the API sees as our user agent.
     *
     * @param userAgent the header's value
     * @return this builder
     */
    public Builder userAgent(String userAgent) {
      this.userAgent = requireNonNull(userAgent, "userAgent");
      return this;
    }

    /**
     * Sets where credentials come from; asked for every call. Default: none are sent. It must
     * answer at once, from a cache: the permit of the call is already running.
     *
     * @param apiKey gives the current bearer token
     * @return this builder
     */
    public Builder apiKey(Supplier<String> apiKey) {
      this.apiKey = Optional.of(apiKey);
      return this;
    }

    /**
     * How long a connection may take. Default 5 s.
     *
     * @param connectTimeout the time-out, more than zero
     * @return this builder
     */
    public Builder connectTimeout(Duration connectTimeout) {
      this.connectTimeout = positive("connectTimeout", connectTimeout);
      return this;
    }

    /**
     * The wall clock that dates in {@code Retry-After} are compared with. Default: the system's.
     *
     * @param clock the clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /** {@return the gateway} */
    public HttpOnlyFansGateway build() {
      return new HttpOnlyFansGateway(this);
    }

    private static Duration positive(String name, Duration value) {
      if (requireNonNull(value, name).isNegative() || value.isZero()) {
        throw new IllegalArgumentException(name + " must be more than zero, was " + value);
      }
      return value;
    }
  }
}
