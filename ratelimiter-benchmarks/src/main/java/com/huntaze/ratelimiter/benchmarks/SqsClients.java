package com.huntaze.ratelimiter.benchmarks;

import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsAsyncClientBuilder;
import software.amazon.awssdk.services.sqs.SqsClient;

/** Clients of one server that differ in nothing but what they send HTTP with. */
final class SqsClients {
  private final URI endpoint;

  SqsClients(URI endpoint) {
    this.endpoint = endpoint;
  }

  SqsClient blocking(SdkHttpClient.Builder<?> http, CallCount calls) {
    return withoutRetries(SqsClient.builder().httpClientBuilder(http), calls).build();
  }

  SqsAsyncClient netty(CallCount calls) {
    return withoutRetries(nettyBuilder(), calls).build();
  }

  /** With the SDK's own retries, as a caller without others has it. */
  SqsAsyncClient retryingNetty(CallCount calls) {
    return settings(nettyBuilder())
        .overrideConfiguration(each -> each.addExecutionInterceptor(calls))
        .build();
  }

  private static SqsAsyncClientBuilder nettyBuilder() {
    return SqsAsyncClient.builder().httpClientBuilder(NettyNioAsyncHttpClient.builder());
  }

  private <B extends AwsClientBuilder<B, C>, C> B withoutRetries(B builder, CallCount calls) {
    return settings(builder)
        .overrideConfiguration(
            each ->
                each.retryStrategy(DefaultRetryStrategy.doNotRetry())
                    .addExecutionInterceptor(calls));
  }

  private <B extends AwsClientBuilder<B, C>, C> B settings(B builder) {
    return builder
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")));
  }
}
