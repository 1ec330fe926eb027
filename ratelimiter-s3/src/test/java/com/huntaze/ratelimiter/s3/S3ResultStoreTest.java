package com.huntaze.ratelimiter.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.ResultStoreException;
import com.huntaze.ratelimiter.testkit.TcpProxy;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class S3ResultStoreTest {
  @RegisterExtension static final LocalS3 S3 = LocalS3.shared();

  private static final DeliveryResult RESULT =
      new DeliveryResult(
          "m-1",
          "user_42",
          "send_message",
          Status.SUCCESS,
          Instant.parse("2026-11-21T12:00:00Z"),
          Duration.ZERO,
          Optional.of(new GatewayResponse(200, Optional.empty(), Optional.of("secret"))),
          Optional.empty(),
          Duration.ZERO,
          Duration.ZERO);

  private S3Client client;
  private String bucket;

  @BeforeEach
  void connect() {
    client = LocalS3.client(S3.address());
    bucket = LocalS3.newBucket(client);
  }

  @AfterEach
  void disconnect() {
    client.close();
  }

  private S3ResultStore.Builder store() {
    return S3ResultStore.builder(client).bucket(bucket);
  }

  private HeadObjectResponse head() {
    return client.headObject(request -> request.bucket(bucket).key(RESULT.path()));
  }

  @Test
  void an_object_is_json_and_encrypted_as_the_bucket_says() {
    store().build().put(RESULT);

    assertThat(head().contentType()).isEqualTo("application/json");
    assertThat(head().serverSideEncryption()).isNull();
  }

  @Test
  void a_key_of_kms_or_s3s_own_keys_are_asked_for_where_they_are_set() {
    store().encryptWithKms(LocalS3.KMS_KEY).build().put(RESULT);
    assertThat(head().serverSideEncryption()).isEqualTo(ServerSideEncryption.AWS_KMS);
    assertThat(head().ssekmsKeyId()).isEqualTo(LocalS3.KMS_KEY);

    store().encryptWithKms(LocalS3.KMS_KEY).encryptWithAes256().build().put(RESULT);
    assertThat(head().serverSideEncryption()).isEqualTo(ServerSideEncryption.AES256);
    assertThat(head().ssekmsKeyId()).isNull();
  }

  @Test
  void what_s3_refuses_is_said_by_message_bucket_and_code_without_content() {
    String missing = bucket + "x";

    assertThatThrownBy(() -> store().bucket(missing).build().put(RESULT))
        .isInstanceOf(ResultStoreException.class)
        .hasMessage(
            "the result of message m-1 could not be put into bucket "
                + missing
                + ": NoSuchBucket, status 404")
        .satisfies(e -> assertThat(e.getCause().toString()).doesNotContain("secret"));
  }

  @Test
  void a_server_that_does_not_answer_is_given_up_in_time() throws Exception {
    try (TcpProxy proxy = TcpProxy.to(S3.address());
        S3Client stalled = LocalS3.client(proxy.address())) {
      S3ResultStore store =
          S3ResultStore.builder(stalled).bucket(bucket).timeout(Duration.ofMillis(500)).build();
      proxy.stall();
      long start = System.nanoTime();

      assertThatThrownBy(() -> store.put(RESULT))
          .isInstanceOf(ResultStoreException.class)
          .hasMessageEndingWith("bucket " + bucket + ": ApiCallTimeoutException");

      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
      proxy.cut();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "ab", "Results", "a_b", "a..b", "-ab", "ab-", "192.168.0.1", "s3://bucket"})
  void a_name_that_no_bucket_has_is_refused(String name) {
    assertThatThrownBy(() -> S3ResultStore.builder(client).bucket(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("bucket must be")
        .hasMessageEndingWith("was '" + name + "'");
  }

  @Test
  void other_settings_out_of_range_are_refused() {
    S3ResultStore.Builder builder = S3ResultStore.builder(client);

    assertThatThrownBy(() -> builder.prefix("results"))
        .hasMessageEndingWith("end in /, was 'results'");
    assertThatThrownBy(() -> builder.prefix("/a/")).hasMessageContaining("'/a/'");
    assertThatThrownBy(() -> builder.prefix("a".repeat(400) + "/")).hasMessageContaining("400");
    assertThatThrownBy(() -> builder.encryptWithKms(" ")).hasMessageContaining("was blank");
    assertThatThrownBy(() -> builder.timeout(Duration.ZERO)).hasMessageContaining("PT0S");
    assertThatThrownBy(builder::build).hasMessage("bucket must be set: where the results go");
  }
}
