package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.MessageSourceContract;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

@Tag("slow")
class SqsStandardSourceTest extends MessageSourceContract {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private final SqsClient client = sqs.newClient();
  private final LocalSqs.QueueWithDeadLetters queues =
      sqs.createQueueWithDeadLetters("entry", 1000);
  private final SqsMessageSink sink = SqsMessageSink.builder(client).queue(queues.url()).build();
  private final SqsMessageSource source =
      SqsMessageSource.builder(client).queue(queues.url()).build();

  @AfterEach
  void closeClient() {
    client.close();
  }

  @Override
  protected MessageSource source() {
    return source;
  }

  @Override
  protected void put(OutboundMessage message) {
    sink.send(message);
  }

  @Override
  protected List<OutboundMessage> deadLetters() {
    return SqsMessageSource.builder(client)
        .queue(queues.deadLetterUrl())
        .build()
        .receive(10, Duration.ZERO)
        .stream()
        .map(received -> received.message().orElseThrow())
        .toList();
  }

  @Override
  protected boolean keepsOrder() {
    return false;
  }
}
