package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

/** Where a message's trace comes from when its caller names none. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MdcTraceTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";
  private static final String TRACEPARENT = "00-" + TRACE + "-" + SPAN + "-01";

  private final InMemoryQueue queue = new InMemoryQueue(100);
  private final RateLimitedOnlyFansClient client =
      RateLimitedOnlyFansClient.builder().sink(queue).build();

  @AfterEach
  void close() {
    MDC.clear();
    client.close();
  }

  private static OnlyFansMessage.Builder message() {
    return OnlyFansMessage.builder().userId("u").recipientId("r").content("c");
  }

  private Optional<String> traceOf(OnlyFansMessage message) {
    assertThat(client.send(message).status()).isEqualTo(SendStatus.QUEUED);
    ReceivedMessage received = queue.receive(1, Duration.ZERO).get(0);
    queue.delete(received);
    return received.message().orElseThrow().traceId();
  }

  @Test
  void a_traceparent_is_taken_as_it_is() {
    MDC.put("traceparent", TRACEPARENT);
    assertThat(traceOf(message().build())).contains(TRACEPARENT);
  }

  @Test
  void open_telemetrys_names_make_one() {
    MDC.put("trace_id", TRACE);
    MDC.put("span_id", SPAN);
    MDC.put("trace_flags", "00");
    assertThat(traceOf(message().build())).contains("00-" + TRACE + "-" + SPAN + "-00");
  }

  @Test
  void micrometers_names_make_one_and_a_short_trace_is_filled_up() {
    MDC.put("traceId", TRACE.substring(16));
    MDC.put("spanId", SPAN);
    assertThat(traceOf(message().build()))
        .contains("00-" + "0".repeat(16) + TRACE.substring(16) + "-" + SPAN + "-01");
  }

  @Test
  void what_the_caller_names_goes_before() {
    MDC.put("traceparent", TRACEPARENT);
    assertThat(traceOf(message().traceId("order-4711").build())).contains("order-4711");
  }

  @Test
  void send_async_takes_the_trace_of_the_thread_that_calls_it() throws Exception {
    MDC.put("traceparent", TRACEPARENT);
    client.sendAsync(message().build()).get();
    assertThat(queue.receive(1, Duration.ZERO).get(0).message().orElseThrow().traceId())
        .contains(TRACEPARENT);
  }

  @Test
  void a_malformed_trace_changes_nothing_and_is_said_once() {
    try (LogLines lines = new LogLines(RateLimitedOnlyFansClient.class)) {
      MDC.put("traceparent", "00-\r\nX-Evil: 1");
      for (int i = 0; i < 3; i++) {
        assertThat(traceOf(message().build())).isEmpty();
      }
      assertThat(lines.warnings())
          .singleElement()
          .satisfies(line -> assertThat(line).doesNotContain("Evil"));
    }
  }
}
