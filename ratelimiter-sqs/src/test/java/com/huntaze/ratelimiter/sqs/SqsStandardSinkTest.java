package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import com.huntaze.ratelimiter.testkit.MessageSinkContract;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.sqs.SqsClient;

class SqsStandardSinkTest extends MessageSinkContract {
  @RegisterExtension static final LocalSqs sqs = LocalSqs.shared();

  private final SqsClient client = sqs.newClient();
  private final String queue = sqs.createQueue("entry");
  private final SqsMessageSink sink = SqsMessageSink.builder(client).queue(queue).build();
  private final SqsMessageSource source = SqsMessageSource.builder(client).queue(queue).build();

  @AfterEach
  void closeClient() {
    client.close();
  }

  @Override
  protected MessageSink sink() {
    return sink;
  }

  @Override
  protected List<OutboundMessage> received(int expected) {
    return drain(source, expected);
  }

  @Override
  protected Optional<OutboundMessage> refused() {
    return Optional.of(Messages.message("m-large").content("x".repeat(262_144)).build());
  }

  @Override
  protected boolean keepsOrder() {
    return false;
  }
}
