package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.GatewayResponse.Outcome;
import com.huntaze.ratelimiter.delivery.HttpOnlyFansGateway;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What leaves for the API, for whom, and what is read of an answer, over real HTTP. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class HttpOnlyFansGatewayTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final String SECRET = "s3cr3t-key";

  /** A request as a server got it. */
  private record Seen(String line, Map<String, List<String>> headers) {
    String header(String name) {
      return headers.getOrDefault(name, List.of("none")).get(0);
    }
  }

  private final List<AutoCloseable> open = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);

  @AfterEach
  void close() throws Exception {
    ended.countDown();
    for (AutoCloseable each : open) {
      each.close();
    }
  }

  /** A server on a port of its own, and so an origin of its own. */
  private URI serve(List<Seen> seen, HttpHandler handler) throws IOException {
    HttpServer server = HttpServer.create(Loopback.at(0), 0);
    ExecutorService threads = Executors.newCachedThreadPool();
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          seen.add(
              new Seen(
                  exchange.getRequestMethod() + " " + exchange.getRequestURI(),
                  Map.copyOf(exchange.getRequestHeaders())));
          try (exchange) {
            handler.handle(exchange);
          }
        });
    server.start();
    open.add(() -> server.stop(0));
    open.add(threads::shutdownNow);
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  private static void answer(HttpExchange exchange, String type, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  private static HttpHandler text(String body) {
    return exchange -> answer(exchange, "application/json", body.getBytes(UTF_8));
  }

  private static HttpOnlyFansGateway.Builder gateway(URI api) {
    return HttpOnlyFansGateway.builder(api).apiKey(() -> SECRET).userAgent("us/1");
  }

  private static OutboundMessage.Builder message(String action) {
    return OutboundMessage.builder("m-1", "user", Instant.EPOCH)
        .action(action)
        .creatorId("créator/1");
  }

  private static OutboundMessage scrape(String url) {
    return message(OutboundMessage.SCRAPE_PROFILE).profileUrl(url).build();
  }

  private static OutboundMessage download(String... urls) {
    return message(OutboundMessage.DOWNLOAD_MEDIA).mediaUrls(List.of(urls)).build();
  }

  @Test
  void each_action_is_one_request_with_id_account_and_key() throws Exception {
    List<Seen> seen = new CopyOnWriteArrayList<>();
    URI api = serve(seen, text("{\"ok\":true}"));
    HttpOnlyFansGateway gateway = gateway(api).build();
    List<OutboundMessage> messages =
        List.of(
            message(OutboundMessage.SEND_MESSAGE).recipientId("fan 7").content("c").build(),
            message(OutboundMessage.GET_MESSAGES).recipientId("fan 7").build(),
            message(OutboundMessage.GET_MESSAGES).build(),
            scrape(api + "/profiles/a?x=1"),
            download(api + "/media/a.jpg"));
    for (OutboundMessage message : messages) {
      assertThat(gateway.supports(message.action())).isTrue();
      assertThat(gateway.call(message, LONG).data()).contains("{\"ok\":true}");
    }
    assertThat(seen)
        .extracting(Seen::line)
        .containsExactly(
            "POST /chats/fan%207/messages",
            "GET /chats/fan%207/messages",
            "GET /messages",
            "GET /profiles/a?x=1",
            "GET /media/a.jpg");
    assertThat(seen)
        .allSatisfy(
            each -> {
              assertThat(each.header("Authorization")).isEqualTo("Bearer " + SECRET);
              assertThat(each.header("X-creator-id")).isEqualTo("cr%C3%A9ator%2F1");
              assertThat(each.header("Idempotency-key")).isEqualTo("m-1");
              assertThat(each.header("User-agent")).isEqualTo("us/1");
            });
  }

  @Test
  void an_action_nobody_knows_is_not_supported_and_makes_no_request() throws Exception {
    List<Seen> seen = new CopyOnWriteArrayList<>();
    HttpOnlyFansGateway gateway = gateway(serve(seen, text("{}"))).build();
    assertThat(gateway.supports("delete_account")).isFalse();
    assertThat(gateway.call(message("delete_account").build(), LONG))
        .isEqualTo(GatewayResponse.notCalled());
    assertThat(seen).isEmpty();
  }

  @Test
  void another_origin_gets_neither_key_nor_account_nor_id() throws Exception {
    List<Seen> seen = new CopyOnWriteArrayList<>();
    List<Seen> seenElsewhere = new CopyOnWriteArrayList<>();
    URI api = serve(seen, text("{}"));
    URI elsewhere = serve(seenElsewhere, text("{\"name\":\"a\"}"));
    HttpOnlyFansGateway gateway = gateway(api).privateAddresses(true).build();

    assertThat(gateway.call(scrape(elsewhere + "/p"), LONG).data()).contains("{\"name\":\"a\"}");
    assertThat(gateway.call(download(elsewhere + "/m"), LONG).data()).isPresent();
    assertThat(gateway.call(scrape("http://localhost:" + api.getPort() + "/p"), LONG).statusCode())
        .isEqualTo(200);
    assertThat(seenElsewhere).hasSize(2);
    assertThat(seen).hasSize(1);
    for (Seen each : List.of(seenElsewhere.get(0), seenElsewhere.get(1), seen.get(0))) {
      assertThat(each.headers()).doesNotContainKeys("Authorization", "X-creator-id");
      assertThat(each.headers()).doesNotContainKey("Idempotency-key");
      assertThat(each.headers().toString()).doesNotContain(SECRET, "m-1");
      assertThat(each.header("User-agent")).isEqualTo("us/1");
    }
  }

  @Test
  void a_url_into_this_machine_or_its_networks_makes_no_request_unless_allowed() throws Exception {
    List<Seen> seen = new CopyOnWriteArrayList<>();
    List<Seen> seenInside = new CopyOnWriteArrayList<>();
    URI api = serve(seen, text("{}"));
    URI inside = serve(seenInside, text("{}"));
    HttpOnlyFansGateway gateway = gateway(api).build();
    for (String url :
        List.of(
            inside + "/p",
            "http://localhost:" + inside.getPort() + "/p",
            "http://2130706433:" + inside.getPort() + "/p",
            "http://[::ffff:127.0.0.1]:" + inside.getPort() + "/p",
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/")) {
      GatewayResponse answer = gateway.call(scrape(url), LONG);
      assertThat(answer).as(url).isEqualTo(GatewayResponse.notCalled());
      assertThat(answer.outcome()).isEqualTo(Outcome.REJECTED);
      assertThat(gateway.call(download(url), LONG)).isEqualTo(GatewayResponse.notCalled());
    }
    assertThat(seenInside).isEmpty();
    assertThat(gateway.call(scrape(api + "/p"), LONG).statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://example.com/",
        "/profiles/a",
        "http:///a",
        "http://user:word@example.com/a",
        "http://exa mple.com/",
        "http://example.com/a|b^c",
        "javascript:alert(1)",
        ""
      })
  void a_url_that_is_none_makes_no_request(String url) throws Exception {
    HttpOnlyFansGateway gateway = gateway(URI.create("http://127.0.0.1:9")).build();
    assertThat(gateway.call(scrape(url), LONG)).isEqualTo(GatewayResponse.notCalled());
  }

  @Test
  void several_media_are_several_calls_and_so_none() throws Exception {
    List<Seen> seen = new CopyOnWriteArrayList<>();
    URI api = serve(seen, text("{}"));
    HttpOnlyFansGateway gateway = gateway(api).build();
    assertThat(gateway.call(download(api + "/a", api + "/b"), LONG))
        .isEqualTo(GatewayResponse.notCalled());
    assertThat(gateway.call(download(), LONG)).isEqualTo(GatewayResponse.notCalled());
    assertThat(seen).isEmpty();
  }

  @Test
  void a_redirect_is_an_answer_and_is_not_followed() throws Exception {
    List<Seen> seen = new CopyOnWriteArrayList<>();
    URI api =
        serve(
            seen,
            exchange -> {
              exchange.getResponseHeaders().set("Location", "/elsewhere");
              exchange.sendResponseHeaders(302, -1);
            });
    GatewayResponse answer = gateway(api).build().call(scrape(api + "/p"), LONG);
    assertThat(answer.statusCode()).isEqualTo(302);
    assertThat(answer.outcome()).isEqualTo(Outcome.REJECTED);
    assertThat(seen).hasSize(1);
  }

  /** Counts the requests that end without an answer; the connection's first ones are answered. */
  private URI serveAndHangUp(AtomicInteger requests, int answered) throws IOException {
    ServerSocket server = new ServerSocket();
    server.bind(Loopback.at(0));
    ExecutorService threads = Executors.newCachedThreadPool();
    threads.execute(
        () -> {
          while (!server.isClosed()) {
            try {
              Socket socket = server.accept();
              threads.execute(() -> answerThenHangUp(socket, requests, answered));
            } catch (IOException e) {
              return;
            }
          }
        });
    open.add(server);
    open.add(threads::shutdownNow);
    return URI.create("http://127.0.0.1:" + server.getLocalPort());
  }

  private static void answerThenHangUp(Socket socket, AtomicInteger requests, int answered) {
    try (socket) {
      for (int i = 0; i <= answered; i++) {
        readHead(socket.getInputStream());
        requests.incrementAndGet();
        if (i < answered) {
          socket
              .getOutputStream()
              .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".getBytes(UTF_8));
        }
      }
    } catch (IOException e) {
      // the client went first
    }
  }

  private static void readHead(InputStream in) throws IOException {
    int last = 0;
    while (last != 0x0D0A0D0A) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("no request");
      }
      last = last << 8 | next;
    }
  }

  /** The JDK's client repeats a GET that a closed connection left without an answer. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void a_connection_that_ends_without_an_answer_is_one_request_all_the_same(int answered)
      throws Exception {
    AtomicInteger requests = new AtomicInteger();
    URI api = serveAndHangUp(requests, answered);
    HttpOnlyFansGateway gateway = gateway(api).build();
    OutboundMessage read = message(OutboundMessage.GET_MESSAGES).build();
    for (int i = 0; i < answered; i++) {
      assertThat(gateway.call(read, LONG).statusCode()).isEqualTo(200);
    }
    GatewayException fault =
        catchThrowableOfType(GatewayException.class, () -> gateway.call(read, LONG));
    assertThat(fault.isAmbiguous()).isTrue();
    assertThat(requests).hasValue(answered + 1);
  }

  /** Writes until nobody reads any more, and then tells how much that was. */
  private static HttpHandler endless(byte[] piece, long length, CountDownLatch gaveUp) {
    return exchange -> {
      exchange.getResponseHeaders().set("Content-Type", "text/plain");
      exchange.sendResponseHeaders(200, length);
      OutputStream out = exchange.getResponseBody();
      try {
        for (long sent = 0; length == 0 || sent < length; sent += piece.length) {
          out.write(piece);
        }
      } catch (IOException e) {
        gaveUp.countDown();
      }
    };
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1L << 30})
  void an_answer_without_end_is_cut_and_its_connection_closed(long length) throws Exception {
    for (String action : List.of(OutboundMessage.SEND_MESSAGE, OutboundMessage.GET_MESSAGES)) {
      CountDownLatch gaveUp = new CountDownLatch(1);
      byte[] piece = "x".repeat(1 << 16).getBytes(UTF_8);
      URI api = serve(new CopyOnWriteArrayList<>(), endless(piece, length, gaveUp));
      GatewayResponse answer =
          gateway(api)
              .maxReadBytes(10_000)
              .build()
              .call(message(action).recipientId("f").content("c").build(), LONG);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.data().orElseThrow())
          .hasSize(action.equals(OutboundMessage.SEND_MESSAGE) ? 4_096 : 10_000);
      assertThat(gaveUp.await(20, TimeUnit.SECONDS)).as("the server was let go").isTrue();
    }
  }

  @Test
  void an_answer_of_just_the_bound_is_whole_and_its_connection_stays() throws Exception {
    AtomicInteger requests = new AtomicInteger();
    URI api = serveAndHangUp(requests, 2);
    HttpOnlyFansGateway gateway = gateway(api).maxReadBytes(2).build();
    OutboundMessage read = message(OutboundMessage.GET_MESSAGES).build();
    assertThat(gateway.call(read, LONG).data()).contains("{}");
    assertThat(gateway.call(read, LONG).data()).contains("{}");
    assertThat(catchThrowableOfType(GatewayException.class, () -> gateway.call(read, LONG)))
        .as("the third of one connection")
        .isNotNull();
    assertThat(requests).hasValue(3);
  }

  @Test
  void an_answer_that_drips_ends_with_the_time_out() throws Exception {
    URI api =
        serve(
            new CopyOnWriteArrayList<>(),
            exchange -> {
              exchange.sendResponseHeaders(200, 0);
              try {
                while (!ended.await(20, TimeUnit.MILLISECONDS)) {
                  exchange.getResponseBody().write('x');
                  exchange.getResponseBody().flush();
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    long start = System.nanoTime();
    GatewayException fault =
        catchThrowableOfType(
            GatewayException.class,
            () -> gateway(api).build().call(scrape(api + "/p"), Duration.ofMillis(300)));
    assertThat(fault.isAmbiguous()).isTrue();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  @Test
  void text_is_cut_between_characters_and_other_bytes_are_in_base64() throws Exception {
    byte[] picture = {(byte) 0x89, 'P', 'N', 'G', 0, (byte) 0xFF};
    URI media =
        serve(new CopyOnWriteArrayList<>(), exchange -> answer(exchange, "image/png", picture));
    assertThat(gateway(media).build().call(download(media + "/a.png"), LONG).data())
        .contains(Base64.getEncoder().encodeToString(picture));

    URI page =
        serve(
            new CopyOnWriteArrayList<>(),
            exchange ->
                answer(exchange, "text/html; charset=utf-8", "a👋b".repeat(9).getBytes(UTF_8)));
    String whole = "a👋b".repeat(9);
    for (int bytes = 1; bytes <= 60; bytes++) {
      String data =
          gateway(page)
              .maxReadBytes(bytes)
              .build()
              .call(scrape(page + "/p"), LONG)
              .data()
              .orElseThrow();
      assertThat(whole).as("%d bytes", bytes).startsWith(data);
      assertThat(data.getBytes(UTF_8).length).isBetween(Math.min(bytes, 54) - 3, bytes);
    }
  }

  @Test
  void an_empty_answer_has_no_data() throws Exception {
    URI api =
        serve(new CopyOnWriteArrayList<>(), exchange -> exchange.sendResponseHeaders(204, -1));
    GatewayResponse answer =
        gateway(api).build().call(message(OutboundMessage.GET_MESSAGES).build(), LONG);
    assertThat(answer.statusCode()).isEqualTo(204);
    assertThat(answer.data()).isEmpty();
  }

  @Test
  void no_fault_of_a_users_url_quotes_it() throws Exception {
    String host = "s3cr3t-host.invalid";
    HttpOnlyFansGateway gateway = gateway(URI.create("http://127.0.0.1:9")).build();
    HttpOnlyFansGateway lenient =
        gateway(URI.create("http://127.0.0.1:9")).privateAddresses(true).build();
    for (HttpOnlyFansGateway each : List.of(gateway, lenient)) {
      GatewayException fault =
          catchThrowableOfType(
              GatewayException.class,
              () -> each.call(scrape("https://" + host + "/s3cr3t-path"), LONG));
      assertThat(fault.isAmbiguous()).isFalse();
      assertThat(fault).hasNoCause().hasMessageContaining("m-1");
      assertThat(fault.toString()).doesNotContain("s3cr3t");
    }
  }

  @Test
  void a_bound_below_one_byte_is_refused() {
    assertThatThrownBy(() -> gateway(URI.create("http://h")).maxReadBytes(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("maxReadBytes must be 1 or more, was 0");
  }
}
