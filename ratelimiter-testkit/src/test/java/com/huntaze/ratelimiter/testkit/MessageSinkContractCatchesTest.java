package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract fails on sinks that break it, and on each by the test that is about its fault. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class MessageSinkContractCatchesTest {
  private static final SinkResult TAKEN = new SinkResult.Taken(Optional.empty());
  private static final OutboundMessage BAD =
      OutboundMessage.builder("m-bad", "user-1", Instant.EPOCH)
          .recipientId("fan-1")
          .content("too large")
          .build();

  /** The contract, run by a sink in front of a good queue. */
  private static final class Run extends MessageSinkContract {
    private final InMemoryQueue queue = new InMemoryQueue(500);
    private final MessageSink sink;

    Run(Function<MessageSink, MessageSink> fault) {
      this.sink = fault.apply(new Refusing(queue));
    }

    @Override
    protected MessageSink sink() {
      return sink;
    }

    @Override
    protected List<OutboundMessage> received(int expected) {
      return drain(queue, expected);
    }

    @Override
    protected Optional<OutboundMessage> refused() {
      return Optional.of(BAD);
    }
  }

  private record Refusing(MessageSink queue) implements MessageSink {
    @Override
    public SinkResult.Taken send(OutboundMessage message) {
      if (message.equals(BAD)) {
        throw new SinkException(Kind.MESSAGE_REFUSED, "too large", null);
      }
      return queue.send(message);
    }
  }

  /** A sink whose single sends are good and whose batches are not. */
  private static Function<MessageSink, MessageSink> batches(
      Function<MessageSink, Function<List<OutboundMessage>, List<SinkResult>>> fault) {
    return good ->
        new MessageSink() {
          @Override
          public SinkResult.Taken send(OutboundMessage message) {
            return good.send(message);
          }

          @Override
          public List<SinkResult> sendAll(List<OutboundMessage> messages) {
            return fault.apply(good).apply(messages);
          }
        };
  }

  private static OutboundMessage with(
      OutboundMessage message, Priority priority, @Nullable String content) {
    return OutboundMessage.builder(message.messageId(), message.userId(), message.timestamp())
        .action(message.action())
        .creatorId(message.creatorId().orElse(null))
        .recipientId(message.recipientId().orElse(null))
        .content(content)
        .mediaUrls(message.mediaUrls())
        .priority(priority)
        .workflowId(message.workflowId().orElse(null))
        .traceId(message.traceId().orElse(null))
        .metadata(message.metadata())
        .unknownFields(message.unknownFields())
        .build();
  }

  private static Arguments fault(
      String name, Function<MessageSink, MessageSink> broken, String caughtBy) {
    return Arguments.of(name, broken, caughtBy);
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        fault(
            "the last of a batch is dropped",
            batches(
                good ->
                    messages -> {
                      int last = Math.max(0, messages.size() - 1);
                      List<SinkResult> results =
                          new ArrayList<>(good.sendAll(messages.subList(0, last)));
                      messages.subList(last, messages.size()).forEach(lost -> results.add(TAKEN));
                      return results;
                    }),
            "the_last_of_a_batch_arrives_whatever_its_size"),
        fault(
            "what is beyond ten is dropped",
            batches(
                good ->
                    messages -> {
                      good.sendAll(messages.subList(0, Math.min(10, messages.size())));
                      return Collections.nCopies(messages.size(), TAKEN);
                    }),
            "all_of_a_batch_arrive_once_and_unchanged"),
        fault(
            "what a limiter let through is acknowledged and dropped",
            good ->
                new MessageSink() {
                  @Override
                  public SinkResult.Taken send(OutboundMessage message) {
                    return good.send(message);
                  }

                  @Override
                  public List<SinkResult> forwardAll(List<Granted> granted) {
                    return Collections.nCopies(granted.size(), TAKEN);
                  }
                },
            "all_that_a_limiter_let_through_arrive_once_and_unchanged"),
        fault(
            "a batch is sent twice",
            batches(
                good ->
                    messages -> {
                      good.sendAll(messages);
                      return good.sendAll(messages);
                    }),
            "all_of_a_batch_arrive_once_and_unchanged"),
        fault(
            "results are in another order",
            batches(
                good ->
                    messages -> {
                      List<SinkResult> results = new ArrayList<>(good.sendAll(messages));
                      Collections.reverse(results);
                      return results;
                    }),
            "a_refused_message_says_nothing_about_its_neighbours"),
        fault(
            "one refused message refuses its batch",
            batches(
                good ->
                    messages ->
                        messages.contains(BAD)
                            ? Collections.nCopies(
                                messages.size(),
                                new SinkResult.NotTaken(
                                    new SinkException(Kind.MESSAGE_REFUSED, "batch", null)))
                            : good.sendAll(messages)),
            "a_refused_message_says_nothing_about_its_neighbours"),
        fault(
            "a batch is put in reverse",
            batches(
                good ->
                    messages -> {
                      List<OutboundMessage> reversed = new ArrayList<>(messages);
                      Collections.reverse(reversed);
                      List<SinkResult> results = new ArrayList<>(good.sendAll(reversed));
                      Collections.reverse(results);
                      return results;
                    }),
            "one_creators_messages_arrive_in_order_if_the_sink_promises_it"),
        fault(
            "an empty batch has a result",
            batches(
                good -> messages -> messages.isEmpty() ? List.of(TAKEN) : good.sendAll(messages)),
            "no_messages_are_no_results"),
        fault(
            "surrogates are lost",
            good ->
                message ->
                    good.send(
                        with(
                            message,
                            message.priority(),
                            message
                                .content()
                                .map(text -> text.replaceAll("[^\\x{0}-\\x{FFFF}]", "?"))
                                .orElse(null))),
            "a_message_arrives_with_every_field_unchanged"),
        fault(
            "the priority is lost",
            good ->
                message ->
                    good.send(with(message, Priority.MEDIUM, message.content().orElse(null))),
            "every_priority_arrives_as_it_was"),
        fault(
            "every action becomes a message",
            good ->
                message ->
                    good.send(
                        message.recipientId().isPresent()
                            ? message
                            : OutboundMessage.builder(
                                    message.messageId(), message.userId(), message.timestamp())
                                .build()),
            "an_action_without_recipient_and_content_arrives_unchanged"),
        fault(
            "a refused message is taken alone",
            good ->
                message ->
                    message.equals(BAD)
                        ? new SinkResult.Taken(Optional.empty())
                        : good.send(message),
            "a_refused_message_is_refused_alone_too_and_does_not_arrive"),
        fault(
            "only the first thread's messages are kept",
            good -> {
              List<Thread> first = Collections.synchronizedList(new ArrayList<>());
              return message -> {
                first.add(Thread.currentThread());
                return first.get(0) == Thread.currentThread()
                    ? good.send(message)
                    : new SinkResult.Taken(Optional.empty());
              };
            },
            "eight_threads_lose_and_double_none"));
  }

  @ParameterizedTest(name = "{0}: {2}")
  @MethodSource("faults")
  void a_fault_is_caught(String fault, Function<MessageSink, MessageSink> broken, String test) {
    assertThat(ContractRun.failure(MessageSinkContract.class, test, () -> new Run(broken)))
        .as(fault)
        .containsInstanceOf(AssertionError.class);
  }

  @Test
  void each_test_of_the_contract_is_seen_to_catch_a_fault() {
    assertThat(faults().map(fault -> fault.get()[2]).distinct())
        .containsExactlyInAnyOrderElementsOf(ContractRun.tests(MessageSinkContract.class));
  }

  @Test
  void a_good_sink_passes() {
    for (String test : ContractRun.tests(MessageSinkContract.class)) {
      assertThat(ContractRun.failure(MessageSinkContract.class, test, () -> new Run(good -> good)))
          .as(test)
          .isEmpty();
    }
  }
}
