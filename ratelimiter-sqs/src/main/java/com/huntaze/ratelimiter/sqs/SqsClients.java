package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.Iterator;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.SdkHttpService;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.SqsClientBuilder;
import software.amazon.awssdk.utils.AttributeMap;

/**
 * Makes SQS clients from a deployment's settings: their region, endpoint and credentials, and
 * without retries of their own, since the sink's caller retries. The HTTP client is the one on the
 * class path. Thread-safe; who asks for a client closes it.
 */
@SuppressWarnings("exports") // The SDK's types come from the class path.
public final class SqsClients {
  /** Longer than SQS ever takes, and short enough for a retry within a send's deadline. */
  private static final Duration SEND_TIMEOUT = Duration.ofSeconds(3);

  /** Longer than the longest wait of a receive, 20 s. */
  private static final Duration RECEIVE_TIMEOUT = Duration.ofSeconds(25);

  private static final AttributeMap POOL =
      AttributeMap.builder()
          .put(SdkHttpConfigurationOption.CONNECTION_ACQUIRE_TIMEOUT, Duration.ofSeconds(1))
          .build();

  private SqsClients() {}

  /**
   * Makes a client for {@link SqsMessageSink}, whose calls take 3 s at most.
   *
   * @param config the settings; {@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY} and {@code
   *     AWS_SESSION_TOKEN} are asked for anew for each call, and where they are unset the SDK's own
   *     providers are
   * @return the client
   */
  public static SqsClient forSending(RateLimiterConfig config) {
    return client(config, SEND_TIMEOUT);
  }

  /**
   * Makes a client for {@link SqsMessageSource}, whose calls take 25 s at most, which is longer
   * than a long poll.
   *
   * @param config the settings, used as {@link #forSending} does
   * @return the client
   */
  public static SqsClient forReceiving(RateLimiterConfig config) {
    return client(config, RECEIVE_TIMEOUT);
  }

  private static SqsClient client(RateLimiterConfig config, Duration timeout) {
    SqsClientBuilder builder =
        SqsClient.builder()
            .region(Region.of(config.region()))
            .credentialsProvider(credentials(config))
            .httpClientBuilder(SqsClients::httpClient)
            .overrideConfiguration(
                settings ->
                    settings
                        .retryStrategy(DefaultRetryStrategy.doNotRetry())
                        .apiCallTimeout(timeout));
    config.awsEndpoint().ifPresent(builder::endpointOverride);
    return builder.build();
  }

  /** The one on the class path, which tells that its pool is empty before the call times out. */
  private static SdkHttpClient httpClient(AttributeMap defaults) {
    Iterator<SdkHttpService> found = ServiceLoader.load(SdkHttpService.class).iterator();
    if (!found.hasNext()) {
      throw new IllegalStateException(
          "an HTTP client of the AWS SDK is needed, such as software.amazon.awssdk:apache5-client");
    }
    return found.next().createHttpClientBuilder().buildWithDefaults(POOL.merge(defaults));
  }

  /** Those of the settings, asked for anew each time; where they are unset, the SDK's own. */
  static AwsCredentialsProvider credentials(RateLimiterConfig config) {
    Supplier<Optional<String>> id = config.secret("AWS_ACCESS_KEY_ID");
    Supplier<Optional<String>> key = config.secret("AWS_SECRET_ACCESS_KEY");
    Supplier<Optional<String>> token = config.secret("AWS_SESSION_TOKEN");
    AwsCredentialsProvider others = DefaultCredentialsProvider.builder().build();
    return () -> {
      String accessKeyId = id.get().orElse("");
      String secretAccessKey = key.get().orElse("");
      if (accessKeyId.isEmpty() || secretAccessKey.isEmpty()) {
        try {
          return others.resolveCredentials();
        } catch (SdkClientException e) {
          throw new NoCredentialsException(e);
        }
      }
      Optional<String> sessionToken = token.get();
      AwsCredentials credentials =
          sessionToken.isPresent()
              ? AwsSessionCredentials.create(accessKeyId, secretAccessKey, sessionToken.get())
              : AwsBasicCredentials.create(accessKeyId, secretAccessKey);
      return credentials;
    };
  }
}
