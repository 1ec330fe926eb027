package com.huntaze.ratelimiter.benchmarks;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.SQSBatchResponse;
import com.amazonaws.services.lambda.runtime.events.SQSBatchResponse.BatchItemFailure;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.sqs.SqsMessageSink;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import redis.clients.jedis.RedisClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;

/**
 * The same function as most would write it: AWS's event classes, which the runtime fills by
 * reflection, an object mapper, and the SDK's client as it comes. What it logs costs it nothing.
 */
public final class StockLambda implements RequestHandler<SQSEvent, SQSBatchResponse> {
  private final ObjectMapper mapper = new ObjectMapper();
  private final SqsMessageSource source;
  private final RateLimitGate gate;

  /** Makes its clients, as the documentation of Lambda advises. */
  public StockLambda() {
    RateLimiterConfig config = RateLimiterConfig.fromEnvironment();
    SqsClient sqs =
        SqsClient.builder()
            .region(Region.of(config.region()))
            .endpointOverride(config.awsEndpoint().orElseThrow())
            .build();
    RedisClient jedis = RedisClient.create(config.redisUrl().orElseThrow());
    source = SqsMessageSource.builder(sqs).queue(config.queue().orElseThrow()).build();
    gate =
        RateLimitGate.builder(
                RedisTokenBucket.builder(jedis).gate().limit(config.rateLimit()).build(),
                source,
                SqsMessageSink.builder(sqs)
                    .queue(config.workflowQueue().orElseThrow())
                    .unordered()
                    .build())
            .build();
  }

  @Override
  public SQSBatchResponse handleRequest(SQSEvent event, Context context) {
    List<ReceivedMessage> batch = new ArrayList<>();
    for (SQSEvent.SQSMessage record : event.getRecords()) {
      batch.add(
          source.adopt(
              Message.builder()
                  .messageId(record.getMessageId())
                  .receiptHandle(record.getReceiptHandle())
                  .body(record.getBody())
                  .attributesWithStrings(record.getAttributes())
                  .build()));
    }
    List<Outcome> outcomes = gate.process(batch);
    List<BatchItemFailure> failures = new ArrayList<>();
    for (int i = 0; i < outcomes.size(); i++) {
      if (Set.of(Outcome.BOOKED, Outcome.RETRY).contains(outcomes.get(i))) {
        failures.add(new BatchItemFailure(event.getRecords().get(i).getMessageId()));
      }
    }
    try {
      context
          .getLogger()
          .log(mapper.writeValueAsString(Map.of("rate_limit_allowed_count", outcomes.size())));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("counts must be writable as JSON", e);
    }
    return new SQSBatchResponse(failures);
  }
}
