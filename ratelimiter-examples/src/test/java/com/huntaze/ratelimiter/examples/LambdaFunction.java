package com.huntaze.ratelimiter.examples;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.huntaze.ratelimiter.testkit.LocalEventSource;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Runs a handler as Lambda's runtime does: an event in, its answer out, and the time that is left.
 */
record LambdaFunction(RequestStreamHandler handler) implements LocalEventSource.Invocation {
  private static final AtomicLong REQUESTS = new AtomicLong();

  @Override
  public byte[] invoke(byte[] event, Duration remaining) throws IOException {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    handler.handleRequest(
        new ByteArrayInputStream(event),
        answer,
        new Invoked(
            "request-" + REQUESTS.incrementAndGet(), System.nanoTime() + remaining.toNanos()));
    return answer.toByteArray();
  }

  private record Invoked(String getAwsRequestId, long deadline) implements Context {
    @Override
    public int getRemainingTimeInMillis() {
      return (int) Math.max(0, (deadline - System.nanoTime()) / 1_000_000);
    }

    @Override
    public String getLogGroupName() {
      return "local";
    }

    @Override
    public String getLogStreamName() {
      return "local";
    }

    @Override
    public String getFunctionName() {
      return "rate-limiter";
    }

    @Override
    public String getFunctionVersion() {
      return "$LATEST";
    }

    @Override
    public String getInvokedFunctionArn() {
      return "arn:aws:lambda:us-east-1:000000000000:function:rate-limiter";
    }

    @Override
    public @Nullable CognitoIdentity getIdentity() {
      return null;
    }

    @Override
    public @Nullable ClientContext getClientContext() {
      return null;
    }

    @Override
    public int getMemoryLimitInMB() {
      return 512;
    }

    @Override
    public @Nullable LambdaLogger getLogger() {
      return null;
    }
  }
}
