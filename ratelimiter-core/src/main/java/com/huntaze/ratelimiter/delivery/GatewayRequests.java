package com.huntaze.ratelimiter.delivery;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Makes the one HTTP request of a message, by its action. Credentials go to the API's own origin
 * and nowhere else. Thread-safe.
 */
final class GatewayRequests {
  /** The actions there are requests for. */
  static final Set<String> ACTIONS =
      Set.of(
          OutboundMessage.SEND_MESSAGE,
          OutboundMessage.GET_MESSAGES,
          OutboundMessage.SCRAPE_PROFILE,
          OutboundMessage.DOWNLOAD_MEDIA);

  private static final JsonFactory JSON = new JsonFactory();

  private final URI base;
  private final String userAgent;

  /**
   * A request and where it goes.
   *
   * @param request the request
   * @param isForeign whether that is somewhere else than the API's own origin
   */
  record Request(HttpRequest request, boolean isForeign) {}

  GatewayRequests(URI base, String userAgent) {
    this.base = base;
    this.userAgent = userAgent;
  }

  /**
   * The request of a message.
   *
   * @param key the API's key, where it has one
   * @return empty if there is none: an unknown action, a URL that is none, or several
   * @throws IllegalArgumentException if a header cannot be made; quotes it
   */
  Optional<Request> of(OutboundMessage message, Optional<String> key, Duration timeout) {
    return switch (message.action()) {
      case OutboundMessage.SEND_MESSAGE ->
          Optional.of(
              own(
                  chat(message.recipientId().orElse("-")),
                  message,
                  key,
                  timeout,
                  HttpRequest.newBuilder()
                      .header("Content-Type", "application/json")
                      .POST(HttpRequest.BodyPublishers.ofString(body(message)))));
      case OutboundMessage.GET_MESSAGES ->
          Optional.of(
              own(
                  message.recipientId().map(this::chat).orElse(URI.create(base + "/messages")),
                  message,
                  key,
                  timeout,
                  HttpRequest.newBuilder().method("GET", new OnlyOnce())));
      case OutboundMessage.SCRAPE_PROFILE ->
          message.profileUrl().flatMap(url -> read(url, message, key, timeout));
      case OutboundMessage.DOWNLOAD_MEDIA ->
          message.mediaUrls().size() == 1
              ? read(message.mediaUrls().get(0), message, key, timeout)
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  private URI chat(String recipientId) {
    return URI.create(base + "/chats/" + segment(recipientId) + "/messages");
  }

  private Optional<Request> read(
      String url, OutboundMessage message, Optional<String> key, Duration timeout) {
    URI uri;
    try {
      uri = URI.create(URI.create(url).toASCIIString());
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // its text quotes the URL
    }
    String scheme = uri.getScheme();
    if (uri.getHost() == null
        || uri.getRawUserInfo() != null
        || !("http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme))) {
      return Optional.empty();
    }
    if (isOwn(uri)) {
      return Optional.of(
          own(uri, message, key, timeout, HttpRequest.newBuilder().method("GET", new OnlyOnce())));
    }
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .method("GET", new OnlyOnce())
            .timeout(timeout)
            .header("User-Agent", userAgent)
            .build();
    return Optional.of(new Request(request, true));
  }

  private boolean isOwn(URI uri) {
    return base.getScheme().equalsIgnoreCase(uri.getScheme())
        && base.getHost().equalsIgnoreCase(uri.getHost())
        && port(base) == port(uri);
  }

  private static int port(URI uri) {
    if (uri.getPort() != -1) {
      return uri.getPort();
    }
    return "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
  }

  private Request own(
      URI uri,
      OutboundMessage message,
      Optional<String> key,
      Duration timeout,
      HttpRequest.Builder request) {
    request
        .uri(uri)
        .timeout(timeout)
        .header("User-Agent", userAgent)
        .header("Idempotency-Key", key(message.messageId()))
        .header("X-Creator-Id", encoded(message.creator()));
    message.trace().traceparent().ifPresent(trace -> request.header("traceparent", trace));
    key.ifPresent(token -> request.header("Authorization", "Bearer " + token));
    return new Request(request.build(), false);
  }

  /** An id as it is; one that no header takes is encoded. */
  private static String key(String id) {
    return id.chars().allMatch(c -> c > ' ' && c < 0x7F) ? id : encoded(id);
  }

  /** One segment of a path, dots and all: two of them would lead elsewhere. */
  private static String segment(String id) {
    return id.matches("\\.+") ? id.replace(".", "%2E") : encoded(id);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static String body(OutboundMessage message) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      if (message.content().isPresent()) {
        json.writeStringField("text", message.content().get());
      }
      if (!message.mediaUrls().isEmpty()) {
        json.writeArrayFieldStart("mediaUrls");
        for (String url : message.mediaUrls()) {
          json.writeString(url);
        }
        json.writeEndArray();
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("text and URLs must be writable as JSON");
    }
    return text.toString();
  }

  /**
   * An empty body that can be sent once. The JDK's client repeats a GET by itself when its
   * connection ends without an answer, which would be a call without a permit; it asks for the
   * length of the body before each.
   */
  private static final class OnlyOnce implements HttpRequest.BodyPublisher {
    private final AtomicBoolean sent = new AtomicBoolean();

    @Override
    public long contentLength() {
      if (sent.getAndSet(true)) {
        throw new IllegalStateException("a call is one request");
      }
      return 0;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
      HttpRequest.BodyPublishers.noBody().subscribe(subscriber);
    }
  }
}
