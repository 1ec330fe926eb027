package com.huntaze.ratelimiter.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Base64;
import java.util.Locale;
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
 * Calls the external API over HTTP/1.1.
 *
 * <table>
 * <caption>The request of each action</caption>
 * <tr><td>{@code send_message}</td><td>{@code POST {base}/chats/{recipient}/messages}</td></tr>
 * <tr><td>{@code get_messages}</td><td>{@code GET {base}/chats/{recipient}/messages}, without a
 *     recipient {@code GET {base}/messages}</td></tr>
 * <tr><td>{@code scrape_profile}</td><td>{@code GET} of the profile's URL</td></tr>
 * <tr><td>{@code download_media}</td><td>{@code GET} of the one media URL</td></tr>
 * </table>
 *
 * <p>Thread-safe. One call is one request at most: redirects are not followed and nothing is
 * retried. To the API's own origin, scheme, host and port of the base, the message's id travels as
 * {@code Idempotency-Key} and the account, percent-encoded, as {@code X-Creator-Id}. Credentials
 * come from a supplier for every such call, so that they can rotate, and are never logged. An
 * answer that does not come within the time-out is an ambiguous {@link GatewayException}.
 *
 * <p>Profile and media URLs come from users. One of another origin is asked without credentials and
 * ids, and only at public addresses: one of this machine, of a private or of a link-local network
 * is answered {@link GatewayResponse#notCalled}, as are a URL that is none or has a password, and
 * several media URLs. The name is looked up once more when the connection is made; the JVM's cache
 * of addresses (30 s unless it is set otherwise) is what keeps the two answers the same, and with
 * an HTTP proxy it is the proxy that looks up.
 */
public final class HttpOnlyFansGateway implements OnlyFansGateway {
  private static final Logger log = LoggerFactory.getLogger(HttpOnlyFansGateway.class);

  /** Of what the API says about a message that was sent. */
  private static final int MAX_SENT_BYTES = 4_096;

  private static final long MAX_WAIT_SECONDS = Duration.ofHours(24).toSeconds();
  private static final int WARM_UPS = 5;
  private static final String CANNED_ANSWER =
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

  /**
   * The JDK keeps idle connections for 20 minutes, routers forget them after five or so, and a call
   * on a connection that is forgotten is in doubt.
   */
  private static final String KEEP_ALIVE = "jdk.httpclient.keepalive.timeout";

  static {
    if (System.getProperty(KEEP_ALIVE) == null) {
      System.setProperty(KEEP_ALIVE, "20"); // read once, when the first client is made
    }
  }

  private final GatewayRequests requests;
  private final String userAgent;
  private final Optional<Supplier<String>> apiKey;
  private final int maxReadBytes;
  private final boolean privateAddresses;
  private final InstantSource clock;
  private final Ticker ticker = Ticker.system();
  private final HttpClient http;

  private HttpOnlyFansGateway(Builder builder) {
    this.requests = new GatewayRequests(builder.baseUrl, builder.userAgent);
    this.userAgent = builder.userAgent;
    this.apiKey = builder.apiKey;
    this.maxReadBytes = builder.maxReadBytes;
    this.privateAddresses = builder.privateAddresses;
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
  public boolean supports(String action) {
    return GatewayRequests.ACTIONS.contains(action);
  }

  @Override
  public GatewayResponse call(OutboundMessage message, Duration timeout) {
    long start = ticker.nanos();
    String id = message.messageId();
    GatewayRequests.Request request = authorised(message, timeout).orElse(null);
    if (request == null || !mayReach(request, id, timeout)) {
      return GatewayResponse.notCalled();
    }
    int maxBytes = message.isRead() ? maxReadBytes : MAX_SENT_BYTES;
    // The request's own time-out ends with the headers; this one covers the body too.
    CompletableFuture<HttpResponse<byte[]>> answer =
        http.sendAsync(request.request(), head -> new BoundedBody(maxBytes));
    HttpResponse<byte[]> response =
        await(answer, timeout.minusNanos(ticker.nanos() - start), id, request.isForeign());
    return new GatewayResponse(
        response.statusCode(),
        response.headers().firstValue("Retry-After").flatMap(this::retryAfter),
        data(response));
  }

  /**
   * Whether it goes to the API itself, or to where a user's URL may reach.
   *
   * @throws GatewayException if its host has no address, or not in time
   */
  private boolean mayReach(GatewayRequests.Request request, String id, Duration timeout) {
    if (privateAddresses || !request.isForeign()) {
      return true;
    }
    String host = request.request().uri().getHost();
    return await(
        CompletableFuture.supplyAsync(() -> PublicAddresses.isPublic(host)), timeout, id, true);
  }

  /** Waits, and says what it means if there is no answer; of a user's URL it quotes nothing. */
  private static <T> T await(
      CompletableFuture<T> answer, Duration timeout, String id, boolean isForeign) {
    try {
      return answer.get(Math.max(0, timeout.toNanos()), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      Throwable cause = requireNonNull(e.getCause());
      boolean neverLeft =
          cause instanceof ConnectException
              || cause instanceof HttpConnectTimeoutException
              || cause instanceof SSLHandshakeException
              || cause instanceof UncheckedIOException;
      String what = neverLeft ? "no connection for " : "no answer for ";
      throw isForeign
          ? new GatewayException(what + id + ": " + cause.getClass().getName(), !neverLeft, null)
          : new GatewayException(what + id, !neverLeft, cause);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new GatewayException("no answer in time for " + id, true, e);
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new GatewayException("interrupted while calling for " + id, true, e);
    }
  }

  /** Text as it is; anything else, such as a picture, in Base64. */
  private static Optional<String> data(HttpResponse<byte[]> response) {
    byte[] body = response.body();
    if (body.length == 0) {
      return Optional.empty();
    }
    String type =
        response.headers().firstValue("Content-Type").orElse("text/").toLowerCase(Locale.ROOT);
    boolean isText = type.startsWith("text/") || type.contains("json") || type.contains("xml");
    return Optional.of(isText ? text(body) : Base64.getEncoder().encodeToString(body));
  }

  /** Without the half of a character at its end, where it was cut. */
  private static String text(byte[] body) {
    String text = new String(body, UTF_8);
    return text.endsWith("\uFFFD") ? text.substring(0, text.length() - 1) : text;
  }

  /** The request with the current credentials; without them, or with nonsense, nothing leaves. */
  private Optional<GatewayRequests.Request> authorised(OutboundMessage message, Duration timeout) {
    try {
      Optional<String> key = apiKey.map(supplier -> requireNonNull(supplier.get(), "apiKey"));
      return requests.of(message, key, timeout);
    } catch (RuntimeException e) {
      // Not chained: such exceptions quote the header, and so the key.
      throw new GatewayException(
          "no request could be made for " + message.messageId() + ": " + e.getClass().getName(),
          false,
          null);
    }
  }

  /**
   * Sends some requests to a socket of this machine that answers 200, and to nobody else. Several,
   * since the second is still slower than the third.
   */
  @Override
  public void warmUp() {
    OutboundMessage message =
        OutboundMessage.builder("warm-up", "warm-up", clock.instant())
            .recipientId("warm-up")
            .content("warm-up")
            .build();
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      URI here = new URI("http", null, "127.0.0.1", socket.getLocalPort(), "", null, null);
      GatewayRequests requests = new GatewayRequests(here, userAgent);
      socket.setSoTimeout(2_000);
      for (int i = 0; i < WARM_UPS; i++) {
        warmUp(requests.of(message, Optional.empty(), Duration.ofSeconds(2)).orElseThrow(), socket);
      }
    } catch (IOException | URISyntaxException | ExecutionException | TimeoutException e) {
      log.debug("The gateway could not warm up; its first call may be slow", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void warmUp(GatewayRequests.Request request, ServerSocket socket)
      throws IOException, ExecutionException, TimeoutException, InterruptedException {
    CompletableFuture<HttpResponse<byte[]>> answer =
        http.sendAsync(request.request(), head -> new BoundedBody(MAX_SENT_BYTES));
    try (Socket connection = socket.accept()) {
      connection.getOutputStream().write(CANNED_ANSWER.getBytes(StandardCharsets.US_ASCII));
      data(answer.get(2, TimeUnit.SECONDS));
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
    private Duration connectTimeout = Duration.ofMillis(500);
    private int maxReadBytes = 262_144;
    private boolean privateAddresses;
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
     * How long a connection may take. Default 500 ms. The permit of the call is running meanwhile:
     * a lost packet is sent again after a second, and such a call had better be made anew.
     *
     * @param connectTimeout the time-out, more than zero
     * @return this builder
     */
    public Builder connectTimeout(Duration connectTimeout) {
      this.connectTimeout = positive("connectTimeout", connectTimeout);
      return this;
    }

    /**
     * Sets how much of an answer is kept where the action reads. What is beyond it is not read.
     * Default 262,144 bytes.
     *
     * @param maxReadBytes 1 or more
     * @return this builder
     * @throws IllegalArgumentException if it is less
     */
    public Builder maxReadBytes(int maxReadBytes) {
      if (maxReadBytes < 1) {
        throw new IllegalArgumentException("maxReadBytes must be 1 or more, was " + maxReadBytes);
      }
      this.maxReadBytes = maxReadBytes;
      return this;
    }

    /**
     * Whether profile and media URLs may lead to this machine and its private networks. Default
     * false, since they come from users; true for tests, and where an egress proxy decides.
     *
     * @param allowed whether they may
     * @return this builder
     */
    public Builder privateAddresses(boolean allowed) {
      this.privateAddresses = allowed;
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
