package com.huntaze.ratelimiter.sqs;

import static com.huntaze.ratelimiter.sqs.Messages.SECRET;
import static com.huntaze.ratelimiter.sqs.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.huntaze.ratelimiter.CheckReport;
import com.huntaze.ratelimiter.OnlyFansMessage;
import com.huntaze.ratelimiter.RateLimitedOnlyFansClient;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.SendStatus;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.SqsClient;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SqsClientsTest {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private static final Map<String, String> CREDENTIALS =
      Map.of("AWS_ACCESS_KEY_ID", "id", "AWS_SECRET_ACCESS_KEY", "key");

  /** Nothing asks the network for credentials, as on a machine that has none. */
  @BeforeEach
  void noInstanceCredentials() {
    System.setProperty("aws.disableEc2Metadata", "true");
  }

  @AfterEach
  void reset() {
    System.clearProperty("aws.disableEc2Metadata");
  }

  private static RateLimiterConfig config(String endpoint, Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put("AWS_ENDPOINT_URL", endpoint);
    settings.put("AWS_REGION", "eu-west-3");
    settings.put("RATE_LIMITER_ENABLED", "true");
    return RateLimiterConfig.from(settings);
  }

  @Test
  void a_client_and_a_sink_are_made_from_the_settings_alone() {
    String queue = sqs.createQueue("entry");
    RateLimiterConfig config =
        config(
            sqs.endpoint().toString(),
            Map.of(
                "AWS_ACCESS_KEY_ID", "id",
                "AWS_SECRET_ACCESS_KEY", "key",
                "SQS_RATE_LIMITER_QUEUE", queue));
    try (SqsClient client = SqsClients.forSending(config)) {
      SinkResult.Taken taken =
          SqsMessageSink.builder(client, config).build().send(message("m1").build());
      assertThat(taken.sinkId()).isPresent();
      assertThat(client.serviceClientConfiguration().region().id()).isEqualTo("eu-west-3");
    }
  }

  @Test
  void without_a_queue_in_the_settings_the_error_names_the_setting() {
    RateLimiterConfig config = config("http://127.0.0.1:1", CREDENTIALS);
    assertThatThrownBy(() -> SqsMessageSink.builder(new RecordingSqs(), config).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("SQS_RATE_LIMITER_QUEUE");
  }

  @Test
  void its_calls_are_not_retried_beneath_the_sink() throws IOException {
    try (HttpStub stub = HttpStub.answering(HttpStub.Answer.error(503, "ServiceUnavailable", ""));
        SqsClient client = SqsClients.forSending(config(stub.uri().toString(), CREDENTIALS))) {
      SqsMessageSink sink =
          SqsMessageSink.builder(client).queue("https://sqs.example/000000000000/entry").build();
      assertThatThrownBy(() -> sink.send(message("m1").build())).isInstanceOf(SinkException.class);
      assertThat(stub.calls()).isEqualTo(1);
    }
  }

  @Test
  void sending_gives_up_within_a_sends_deadline_and_receiving_outlasts_a_long_poll() {
    RateLimiterConfig config = config("http://127.0.0.1:1", CREDENTIALS);
    try (SqsClient sending = SqsClients.forSending(config);
        SqsClient receiving = SqsClients.forReceiving(config)) {
      assertThat(timeout(sending)).isLessThan(Duration.ofSeconds(5));
      assertThat(timeout(receiving)).isGreaterThan(Duration.ofSeconds(20));
    }
  }

  private static Duration timeout(SqsClient client) {
    return client.serviceClientConfiguration().overrideConfiguration().apiCallTimeout().get();
  }

  @Test
  void a_client_whose_pool_is_empty_says_so_before_its_calls_time_out() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(60);
    try (HttpStub stub = HttpStub.silent();
        SqsClient client = SqsClients.forSending(config(stub.uri().toString(), CREDENTIALS))) {
      SqsMessageSink sink =
          SqsMessageSink.builder(client).queue("https://sqs.example/000000000000/entry").build();
      List<Future<Kind>> calls = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        calls.add(
            threads.submit(
                () ->
                    catchThrowableOfType(
                            SinkException.class, () -> sink.send(message("m1").build()))
                        .kind()));
      }
      List<Kind> kinds = new ArrayList<>();
      for (Future<Kind> each : calls) {
        kinds.add(each.get(30, TimeUnit.SECONDS));
      }
      assertThat(kinds).containsOnly(Kind.AMBIGUOUS, Kind.BACK_PRESSURE);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void credentials_that_are_nowhere_are_known_whatever_a_provider_says_of_them() {
    AwsCredentialsProvider provider = SqsClients.credentials(config("http://h:1", Map.of()));
    assertThatThrownBy(provider::resolveCredentials)
        .isInstanceOf(NoCredentialsException.class)
        .satisfies(
            e -> assertThat(SqsErrors.kind((RuntimeException) e)).isEqualTo(Kind.NO_CREDENTIALS));
    assertThat(SqsErrors.kind(SdkClientException.create("Failed to load credentials from IMDS.")))
        .isEqualTo(Kind.NO_CREDENTIALS);
  }

  @Test
  void a_rotated_secret_is_used_by_the_next_call() {
    AtomicReference<String> key = new AtomicReference<>("old");
    RateLimiterConfig config =
        config("http://127.0.0.1:1", CREDENTIALS)
            .withSecrets(
                name ->
                    name.equals("AWS_SESSION_TOKEN")
                        ? Optional.of("token")
                        : Optional.of(key.get()));
    AwsCredentialsProvider provider = SqsClients.credentials(config);
    assertThat(provider.resolveCredentials())
        .isEqualTo(AwsSessionCredentials.create("old", "old", "token"));
    key.set("new");
    assertThat(provider.resolveCredentials())
        .isEqualTo(AwsSessionCredentials.create("new", "new", "token"));
  }

  @Test
  void without_credentials_the_host_starts_and_messages_are_stored_or_disabled() {
    RateLimiterConfig config =
        config(
            "http://127.0.0.1:1",
            Map.of("SQS_RATE_LIMITER_QUEUE", "https://sqs.example/000000000000/entry"));
    InMemoryFallbackStore store = new InMemoryFallbackStore();
    OnlyFansMessage message =
        OnlyFansMessage.builder().userId("u").recipientId("r").content(SECRET).build();
    try (SqsClient client = SqsClients.forSending(config);
        RateLimitedOnlyFansClient withStore =
            RateLimitedOnlyFansClient.builder(config)
                .sink(SqsMessageSink.builder(client, config).build())
                .fallbackStore(store)
                .build();
        RateLimitedOnlyFansClient without =
            RateLimitedOnlyFansClient.builder(config)
                .sink(SqsMessageSink.builder(client, config).build())
                .build()) {
      SinkException none =
          catchThrowableOfType(
              SinkException.class,
              () -> SqsMessageSink.builder(client, config).build().send(message("m").build()));
      assertThat(none.kind()).isEqualTo(Kind.NO_CREDENTIALS);
      assertThat(withStore.check().level()).isEqualTo(CheckReport.Level.FAULT);
      assertThat(withStore.send(message).status()).isEqualTo(SendStatus.STORED);
      assertThat(without.send(message).status()).isEqualTo(SendStatus.DISABLED);
      assertThat(store.backlog().waiting()).isEqualTo(1);
    } catch (SdkClientException e) {
      throw new AssertionError("the host must start without credentials", e);
    }
  }
}
