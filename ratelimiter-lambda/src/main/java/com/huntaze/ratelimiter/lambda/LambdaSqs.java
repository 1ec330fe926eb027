package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.SqsClientBuilder;

/** Makes the SQS client of a function: quick to be ready, without retries, with short time-outs. */
final class LambdaSqs {
  /** No call of SQS or Redis takes longer. */
  static final Duration CALL_TIMEOUT = Duration.ofSeconds(2);

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);

  private LambdaSqs() {}

  static SqsClient client(RateLimiterConfig config) {
    SqsClientBuilder builder =
        SqsClient.builder()
            .region(Region.of(config.region()))
            .credentialsProvider(credentials(config))
            .httpClientBuilder(
                UrlConnectionHttpClient.builder()
                    .connectionTimeout(CONNECT_TIMEOUT)
                    .socketTimeout(CALL_TIMEOUT))
            .overrideConfiguration(
                settings ->
                    settings
                        .retryStrategy(DefaultRetryStrategy.doNotRetry())
                        .apiCallTimeout(CALL_TIMEOUT));
    config.awsEndpoint().ifPresent(builder::endpointOverride);
    return builder.build();
  }

  /** The function's own, which Lambda sets; those of a snapshot come from the SDK's providers. */
  static AwsCredentialsProvider credentials(RateLimiterConfig config) {
    Supplier<Optional<String>> id = config.secret("AWS_ACCESS_KEY_ID");
    Supplier<Optional<String>> key = config.secret("AWS_SECRET_ACCESS_KEY");
    Supplier<Optional<String>> token = config.secret("AWS_SESSION_TOKEN");
    return () -> {
      if (id.get().isEmpty() || key.get().isEmpty()) {
        return Others.PROVIDER.resolveCredentials();
      }
      AwsCredentials credentials =
          token.get().isPresent()
              ? AwsSessionCredentials.create(id.get().get(), key.get().get(), token.get().get())
              : AwsBasicCredentials.create(id.get().get(), key.get().get());
      return credentials;
    };
  }

  /** Made when it is first needed. */
  private static final class Others {
    static final AwsCredentialsProvider PROVIDER = DefaultCredentialsProvider.builder().build();
  }
}
