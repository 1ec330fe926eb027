package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.SECRET;
import static com.huntaze.ratelimiter.sqs.Messages.message;
import static com.huntaze.ratelimiter.sqs.Messages.messages;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.SendResult;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProviderChain;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.SqsClientBuilder;

/** Each way in which a call can fail, on the wire where there is a wire, and what is made of it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsErrorsTest {
  private static final Duration SHORT = Duration.ofMillis(300);

  private static SqsClient client(
      URI endpoint, SdkHttpClient.Builder<?> http, Consumer<SqsClientBuilder> more) {
    SqsClientBuilder builder =
        SqsClient.builder()
            .endpointOverride(endpoint)
            .region(Region.US_EAST_1)
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "key")))
            .httpClientBuilder(http)
            .overrideConfiguration(
                settings -> settings.retryStrategy(DefaultRetryStrategy.doNotRetry()));
    more.accept(builder);
    return builder.build();
  }

  private static SqsClient client(URI endpoint) {
    return client(endpoint, UrlConnectionHttpClient.builder(), builder -> {});
  }

  private static SqsMessageSink sink(SqsClient client) {
    return SqsMessageSink.builder(client).queue("https://sqs.example/000000000000/entry").build();
  }

  /** What sending one message fails with; shows nothing of the message. */
  private static SinkException failure(SqsClient client) {
    SinkException e =
        catchThrowableOfType(SinkException.class, () -> sink(client).send(message("m1").build()));
    assertThat(e).as("the send succeeded").isNotNull();
    StringWriter trace = new StringWriter();
    e.printStackTrace(new PrintWriter(trace, true));
    assertThat(trace.toString()).contains("queue entry: ").doesNotContain(SECRET);
    return e;
  }

  private static SinkException failure(HttpStub stub) {
    try (stub;
        SqsClient client = client(stub.uri())) {
      SinkException e = failure(client);
      assertThat(stub.calls()).as("one call of ours is one HTTP call").isEqualTo(1);
      return e;
    }
  }

  /** The type is the JSON protocol's spelling, the query code the older one's, where it differs. */
  @ParameterizedTest(name = "{0} {1} {2}: {3}")
  @CsvSource({
    "400, QueueDoesNotExist, AWS.SimpleQueueService.NonExistentQueue, ACCESS_REFUSED",
    "400, QueueDoesNotExist, '', ACCESS_REFUSED",
    "400, SomethingNew, AWS.SimpleQueueService.NonExistentQueue, ACCESS_REFUSED",
    "403, AccessDenied, AccessDenied, ACCESS_REFUSED",
    "400, AccessDeniedException, '', ACCESS_REFUSED",
    "403, InvalidSecurity, InvalidSecurity, ACCESS_REFUSED",
    "403, InvalidClientTokenId, InvalidClientTokenId, ACCESS_REFUSED",
    "400, UnrecognizedClientException, '', ACCESS_REFUSED",
    "403, SignatureDoesNotMatch, '', ACCESS_REFUSED",
    "400, IncompleteSignature, '', ACCESS_REFUSED",
    "400, MissingAuthenticationToken, '', ACCESS_REFUSED",
    "403, ExpiredToken, ExpiredToken, NOT_SENT",
    "400, ExpiredTokenException, '', NOT_SENT",
    "403, OptInRequired, '', ACCESS_REFUSED",
    "400, InvalidAddress, InvalidAddress, ACCESS_REFUSED",
    "400, UnsupportedOperation, AWS.SimpleQueueService.UnsupportedOperation, ACCESS_REFUSED",
    "400, QueueDeletedRecently, AWS.SimpleQueueService.QueueDeletedRecently, ACCESS_REFUSED",
    "400, KmsAccessDenied, KMS.AccessDeniedException, ACCESS_REFUSED",
    "400, KmsDisabled, KMS.DisabledException, ACCESS_REFUSED",
    "400, KmsNotFound, KMS.NotFoundException, ACCESS_REFUSED",
    "400, KmsInvalidState, KMS.InvalidStateException, ACCESS_REFUSED",
    "400, KmsInvalidKeyUsage, KMS.InvalidKeyUsageException, ACCESS_REFUSED",
    "403, KmsOptInRequired, KMS.OptInRequired, ACCESS_REFUSED",
    "400, KMS.DisabledException, '', ACCESS_REFUSED",
    "400, MissingParameter, '', ACCESS_REFUSED",
    "404, '', '', ACCESS_REFUSED",
    "400, KmsThrottled, KMS.ThrottlingException, THROTTLED",
    "400, KMS.ThrottlingException, '', THROTTLED",
    "400, RequestThrottled, RequestThrottled, THROTTLED",
    "400, ThrottlingException, '', THROTTLED",
    "400, Throttling, '', THROTTLED",
    "503, SlowDown, '', THROTTLED",
    "400, TooManyRequestsException, '', THROTTLED",
    "400, RequestLimitExceeded, '', THROTTLED",
    "403, OverLimit, OverLimit, THROTTLED",
    "400, RequestThrottled, SomethingNew, THROTTLED",
    "429, '', '', THROTTLED",
    "400, InvalidMessageContents, InvalidMessageContents, MESSAGE_REFUSED",
    "400, InvalidMessageContents, '', MESSAGE_REFUSED",
    "400, InvalidMessageContents, SomethingNew, MESSAGE_REFUSED",
    "400, InvalidParameterValue, InvalidParameterValue, MESSAGE_REFUSED",
    "400, InvalidAttributeValue, InvalidAttributeValue, MESSAGE_REFUSED",
    "400, BatchRequestTooLong, AWS.SimpleQueueService.BatchRequestTooLong, MESSAGE_REFUSED",
    "403, RequestExpired, '', NOT_SENT",
    "403, RequestTimeTooSkewed, '', NOT_SENT",
    "500, InternalError, InternalError, AMBIGUOUS",
    "500, InternalFailure, '', AMBIGUOUS",
    "502, '', '', AMBIGUOUS",
    "503, ServiceUnavailable, ServiceUnavailable, AMBIGUOUS",
    "504, '', '', AMBIGUOUS",
    "408, '', '', AMBIGUOUS"
  })
  void a_code_says_what_is_known_of_the_message(
      int status, String type, String queryCode, Kind kind) throws IOException {
    SinkException e = failure(HttpStub.answering(HttpStub.Answer.error(status, type, queryCode)));
    assertThat(e.kind()).isEqualTo(kind);
    assertThat(e)
        .hasMessageContaining("status " + status)
        .hasMessageContaining("request " + HttpStub.REQUEST_ID);
    if (!type.isEmpty()) {
      assertThat(e).hasMessageContaining(queryCode.isEmpty() ? type : queryCode);
    }
  }

  @Test
  void an_error_in_the_header_counts_too() throws IOException {
    HttpStub.Answer answer =
        new HttpStub.Answer(400, Map.of("x-amzn-errortype", "RequestThrottled"), "");
    assertThat(failure(HttpStub.answering(answer)).kind()).isEqualTo(Kind.THROTTLED);
  }

  @Test
  void a_code_that_is_no_code_is_not_shown() throws IOException {
    SinkException e =
        failure(HttpStub.answering(HttpStub.Answer.error(500, "Failed on " + SECRET, "")));
    assertThat(e).hasMessageContaining("unknown, status 500");
  }

  @ParameterizedTest
  @ValueSource(strings = {"<html>" + SECRET, "{}", "{\"MessageId\":", "[1]", ""})
  void garbage_is_ambiguous(String body) throws IOException {
    HttpStub stub = HttpStub.answering(new HttpStub.Answer(200, Map.of(), body));
    assertThat(failure(stub).kind()).isEqualTo(Kind.AMBIGUOUS);
  }

  @Test
  void an_answer_for_another_body_is_ambiguous() throws IOException {
    String body = "{\"MessageId\":\"1\",\"MD5OfMessageBody\":\"d41d8cd98f00b204e9800998ecf8427e\"}";
    HttpStub stub = HttpStub.answering(new HttpStub.Answer(200, Map.of(), body));
    assertThat(failure(stub).kind()).isEqualTo(Kind.AMBIGUOUS);
  }

  @Test
  void a_broken_connection_is_ambiguous() throws IOException {
    assertThat(failure(HttpStub.breaking()).kind()).isEqualTo(Kind.AMBIGUOUS);
  }

  @Test
  void a_reset_is_ambiguous() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        SqsClient client = client(uri(server))) {
      ExecutorService thread = Executors.newSingleThreadExecutor();
      Future<?> reset =
          thread.submit(
              () -> {
                try (Socket socket = server.accept()) {
                  socket.getInputStream().read();
                  socket.setSoLinger(true, 0);
                }
                return null;
              });
      thread.shutdown();
      assertThat(failure(client).kind()).isEqualTo(Kind.AMBIGUOUS);
      reset.get();
    }
  }

  @Test
  void a_read_timeout_is_ambiguous() throws IOException {
    try (HttpStub stub = HttpStub.silent();
        SqsClient client =
            client(
                stub.uri(), UrlConnectionHttpClient.builder().socketTimeout(SHORT), builder -> {});
        SqsClient apache =
            client(stub.uri(), Apache5HttpClient.builder().socketTimeout(SHORT), builder -> {})) {
      assertThat(failure(client).kind()).isEqualTo(Kind.AMBIGUOUS);
      assertThat(failure(apache).kind()).isEqualTo(Kind.AMBIGUOUS);
      assertThat(stub.calls()).isEqualTo(2);
    }
  }

  @Test
  void a_timeout_of_the_whole_call_is_ambiguous() throws IOException {
    try (HttpStub stub = HttpStub.silent();
        SqsClient client =
            client(
                stub.uri(),
                UrlConnectionHttpClient.builder(),
                builder ->
                    builder.overrideConfiguration(
                        settings ->
                            settings
                                .retryStrategy(DefaultRetryStrategy.doNotRetry())
                                .apiCallTimeout(SHORT)))) {
      assertThat(failure(client).kind()).isEqualTo(Kind.AMBIGUOUS);
      assertThat(Thread.interrupted()).as("the SDK's time-out leaves no interrupt").isFalse();
    }
  }

  @Test
  void a_refused_connection_is_not_sent() throws IOException {
    URI nobody;
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = uri(server);
    }
    try (SqsClient client = client(nobody);
        SqsClient apache = client(nobody, Apache5HttpClient.builder(), builder -> {})) {
      assertThat(failure(client).kind()).isEqualTo(Kind.NOT_SENT);
      assertThat(failure(apache).kind()).isEqualTo(Kind.NOT_SENT);
    }
  }

  @Test
  void a_connect_timeout_is_not_sent() throws IOException {
    // A listener that accepts nobody: what its backlog has no room for is not answered.
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket first = new Socket(server.getInetAddress(), server.getLocalPort());
        Socket second = new Socket(server.getInetAddress(), server.getLocalPort());
        SqsClient client =
            client(
                uri(server),
                UrlConnectionHttpClient.builder().connectionTimeout(SHORT),
                builder -> {});
        SqsClient apache =
            client(
                uri(server), Apache5HttpClient.builder().connectionTimeout(SHORT), builder -> {})) {
      assertThat(first.isConnected() && second.isConnected()).isTrue();
      assertThat(failure(client).kind()).isEqualTo(Kind.NOT_SENT);
      assertThat(failure(apache).kind()).isEqualTo(Kind.NOT_SENT);
    }
  }

  @Test
  void an_unknown_host_is_not_sent() {
    try (SqsClient client = client(URI.create("http://no-such-host.invalid"))) {
      assertThat(failure(client).kind()).isEqualTo(Kind.NOT_SENT);
    }
  }

  @Test
  void a_failed_handshake_is_not_sent() throws Exception {
    byte[] handshakeFailure = {0x15, 3, 3, 0, 2, 2, 40};
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        SqsClient client = client(URI.create("https://127.0.0.1:" + server.getLocalPort()))) {
      ExecutorService thread = Executors.newSingleThreadExecutor();
      Future<?> refused =
          thread.submit(
              () -> {
                try (Socket socket = server.accept()) {
                  socket.getInputStream().read();
                  socket.getOutputStream().write(handshakeFailure);
                  socket.getInputStream().readAllBytes();
                }
                return null;
              });
      thread.shutdown();
      assertThat(failure(client).kind()).isEqualTo(Kind.NOT_SENT);
      refused.get();
    }
  }

  @Test
  void an_empty_connection_pool_is_back_pressure() throws Exception {
    try (HttpStub stub = HttpStub.silent();
        SqsClient client =
            client(
                stub.uri(),
                Apache5HttpClient.builder()
                    .maxConnections(1)
                    .connectionAcquisitionTimeout(SHORT)
                    .socketTimeout(Duration.ofSeconds(3)),
                builder -> {})) {
      ExecutorService threads = Executors.newFixedThreadPool(2);
      try {
        Future<SinkException> one = threads.submit(() -> failure(client));
        Future<SinkException> other = threads.submit(() -> failure(client));
        assertThat(List.of(one.get().kind(), other.get().kind()))
            .containsExactlyInAnyOrder(Kind.BACK_PRESSURE, Kind.AMBIGUOUS);
      } finally {
        threads.shutdownNow();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Acquire operation took longer than the configured maximum time",
        "Unable to execute HTTP request: Maximum pending connection acquisitions exceeded.",
        "Connection Manager failed to acquire a connection within the defined timeout."
      })
  void the_pools_of_other_http_clients_are_known_by_their_words(String text) {
    assertThat(kindOf(new IOException(text))).isEqualTo(Kind.BACK_PRESSURE);
  }

  @Test
  void missing_credentials_are_told_from_refused_ones() {
    try (SqsClient client =
        client(
            URI.create("http://127.0.0.1:1"),
            UrlConnectionHttpClient.builder(),
            builder ->
                builder.credentialsProvider(
                    AwsCredentialsProviderChain.of(
                        EnvironmentVariableCredentialsProvider.create())))) {
      assertThat(failure(client).kind()).isEqualTo(Kind.NO_CREDENTIALS);
    }
  }

  @Test
  void an_interrupted_call_is_ambiguous_and_stays_interrupted() {
    try (SqsClient client = client(URI.create("http://127.0.0.1:1"))) {
      Thread.currentThread().interrupt();
      SinkException e = failure(client);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(e.kind()).isEqualTo(Kind.AMBIGUOUS);
    }
    assertThat(SqsErrors.kind(AbortedException.create("Thread was interrupted")))
        .isEqualTo(Kind.AMBIGUOUS);
  }

  @Test
  void what_nobody_knows_is_ambiguous() {
    assertThat(SqsErrors.kind(new IllegalStateException("closed"))).isEqualTo(Kind.AMBIGUOUS);
    assertThat(kindOf(new IOException("no words"))).isEqualTo(Kind.AMBIGUOUS);
  }

  @Test
  void a_failed_batch_says_the_same_of_each_of_its_messages() throws IOException {
    try (HttpStub stub = HttpStub.answering(HttpStub.Answer.error(503, "ServiceUnavailable", ""));
        SqsClient client = client(stub.uri())) {
      assertThat(sink(client).sendAll(messages(10)))
          .hasSize(10)
          .allSatisfy(
              result ->
                  assertThat(((SinkResult.NotTaken) result).reason().kind())
                      .isEqualTo(Kind.AMBIGUOUS));
      assertThat(stub.calls()).isEqualTo(1);
    }
  }

  @Test
  void a_send_that_keeps_failing_makes_four_http_calls() throws IOException {
    try (HttpStub stub = HttpStub.answering(HttpStub.Answer.error(503, "ServiceUnavailable", ""));
        SqsClient sqs = client(stub.uri());
        RateLimitedOnlyFansClient client =
            RateLimitedOnlyFansClient.builder()
                .sink(sink(sqs))
                .retryBase(Duration.ofMillis(1))
                .build()) {
      SendResult result =
          client.send(
              OnlyFansMessage.builder().userId("u").recipientId("r").content(SECRET).build());
      assertThat(result.status()).isEqualTo(SendStatus.FAILED);
      assertThat(result.error().orElseThrow()).doesNotContain(SECRET);
      assertThat(stub.calls()).isEqualTo(4);
    }
  }

  @Test
  void a_queue_whose_url_cannot_be_had_has_not_got_the_message() throws IOException {
    try (HttpStub stub = HttpStub.answering(HttpStub.Answer.error(503, "", ""));
        SqsClient client = client(stub.uri())) {
      SqsMessageSink sink = SqsMessageSink.builder(client).queue("entry").build();
      SinkException e =
          catchThrowableOfType(SinkException.class, () -> sink.send(message("m1").build()));
      assertThat(e.kind()).isEqualTo(Kind.NOT_SENT);
    }
    try (HttpStub stub =
            HttpStub.answering(HttpStub.Answer.error(400, "InvalidParameterValue", ""));
        SqsClient client = client(stub.uri())) {
      SqsMessageSink sink = SqsMessageSink.builder(client).queue("entry").build();
      SinkException e =
          catchThrowableOfType(SinkException.class, () -> sink.send(message("m1").build()));
      assertThat(e.kind()).isEqualTo(Kind.ACCESS_REFUSED);
    }
  }

  private static Kind kindOf(IOException cause) {
    return SqsErrors.kind(SdkClientException.create("Unable to execute HTTP request", cause));
  }

  private static URI uri(ServerSocket server) {
    return URI.create("http://127.0.0.1:" + server.getLocalPort());
  }
}
