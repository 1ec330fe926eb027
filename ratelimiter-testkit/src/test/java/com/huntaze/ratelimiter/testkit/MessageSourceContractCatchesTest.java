package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.InMemoryQueue;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.PayloadException.Reason;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The contract fails on sources that break it, and on each by the test that is about its fault.
 * That it passes on the queue behind them is {@link InMemoryQueueSourceTest}.
 */
@Tag("slow")
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MessageSourceContractCatchesTest {
  /** The contract, run by a source in front of a good queue. */
  private static final class Run extends MessageSourceContract {
    private final InMemoryQueue queue = new InMemoryQueue(100);
    private final MessageSource source;

    Run(Function<InMemoryQueue, MessageSource> fault) {
      this.source = fault.apply(queue);
    }

    @Override
    protected MessageSource source() {
      return source;
    }

    @Override
    protected void put(OutboundMessage message) {
      queue.send(message);
    }

    @Override
    protected List<OutboundMessage> deadLetters() {
      return queue.drain().handedOut();
    }
  }

  /** Does what a good queue does, but for what a fault overrides. */
  private static class Passing implements MessageSource {
    final InMemoryQueue queue;

    Passing(InMemoryQueue queue) {
      this.queue = queue;
    }

    @Override
    public Duration visibility() {
      return queue.visibility();
    }

    @Override
    public List<ReceivedMessage> receive(int max, Duration wait) {
      return queue.receive(max, wait);
    }

    @Override
    public void delete(ReceivedMessage received) {
      queue.delete(received);
    }

    @Override
    public void changeVisibility(ReceivedMessage received, Duration visibility) {
      queue.changeVisibility(received, visibility);
    }

    @Override
    public void deadLetter(ReceivedMessage received, String reason) {
      queue.deadLetter(received, reason);
    }
  }

  private static Arguments fault(
      String name, Function<InMemoryQueue, MessageSource> broken, String caughtBy) {
    return Arguments.of(name, broken, caughtBy);
  }

  private static OutboundMessage withoutMetadata(OutboundMessage message) {
    return OutboundMessage.builder(message.messageId(), message.userId(), message.timestamp())
        .creatorId(message.creatorId().orElse(null))
        .recipientId(message.recipientId().orElse(null))
        .content(message.content().orElse(null))
        .mediaUrls(message.mediaUrls())
        .priority(message.priority())
        .workflowId(message.workflowId().orElse(null))
        .traceId(message.traceId().orElse(null))
        .build();
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        fault(
            "delete does nothing",
            queue ->
                new Passing(queue) {
                  @Override
                  public void delete(ReceivedMessage received) {}
                },
            "a_deleted_message_is_gone"),
        fault(
            "delete ends every message in hand",
            queue ->
                new Passing(queue) {
                  private final List<ReceivedMessage> all = new ArrayList<>();

                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    List<ReceivedMessage> received = super.receive(max, wait);
                    all.addAll(received);
                    return received;
                  }

                  @Override
                  public void delete(ReceivedMessage received) {
                    all.forEach(queue::delete);
                  }
                },
            "ending_one_message_leaves_the_others_in_hand"),
        fault(
            "a dead letter is lost",
            queue ->
                new Passing(queue) {
                  @Override
                  public void deadLetter(ReceivedMessage received, String reason) {
                    queue.delete(received);
                  }
                },
            "a_dead_lettered_message_is_gone_and_kept_aside_unchanged"),
        fault(
            "a dead letter stays in the queue",
            queue ->
                new Passing(queue) {
                  @Override
                  public void deadLetter(ReceivedMessage received, String reason) {}
                },
            "a_dead_lettered_message_is_gone_and_kept_aside_unchanged"),
        fault(
            "visibility is never changed",
            queue ->
                new Passing(queue) {
                  @Override
                  public void changeVisibility(ReceivedMessage received, Duration visibility) {}
                },
            "a_message_given_back_is_handed_out_at_once"),
        fault(
            "visibility always ends at once",
            queue ->
                new Passing(queue) {
                  @Override
                  public void changeVisibility(ReceivedMessage received, Duration visibility) {
                    queue.changeVisibility(received, Duration.ZERO);
                  }
                },
            "a_message_comes_back_when_its_visibility_has_passed_and_not_before"),
        fault(
            "visibility is never extended",
            queue ->
                new Passing(queue) {
                  @Override
                  public void changeVisibility(ReceivedMessage received, Duration visibility) {
                    if (visibility.compareTo(Duration.ofSeconds(30)) < 0) {
                      queue.changeVisibility(received, visibility);
                    }
                  }
                },
            "a_message_stays_hidden_when_its_visibility_is_extended"),
        fault(
            "only ten of many are deleted",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<NotDone> deleteAll(List<ReceivedMessage> received) {
                    return queue.deleteAll(received.subList(0, Math.min(10, received.size())));
                  }
                },
            "many_messages_are_deleted_at_once"),
        fault(
            "many get the visibility of the first",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
                    return queue.changeVisibilityAll(
                        changes.stream()
                            .map(
                                each ->
                                    new VisibilityChange(
                                        each.received(), changes.get(0).visibility()))
                            .toList());
                  }
                },
            "of_many_messages_each_gets_its_own_visibility"),
        fault(
            "what is no longer in hand counts as done",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<NotDone> changeVisibilityAll(List<VisibilityChange> changes) {
                    queue.changeVisibilityAll(changes);
                    return List.of();
                  }
                },
            "a_message_that_is_no_longer_in_hand_is_told_apart_and_hides_no_neighbour"),
        fault(
            "no message is too few",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<NotDone> deleteAll(List<ReceivedMessage> received) {
                    return received.isEmpty()
                        ? List.of(
                            new NotDone(
                                ReceivedMessage.unreadable(
                                    "none", new PayloadException(Reason.NOT_JSON, "body"), 1),
                                new SourceException("no entries", null)))
                        : queue.deleteAll(received);
                  }
                },
            "nothing_said_of_no_message_is_nothing_done"),
        fault(
            "a source says that it hides nothing",
            queue ->
                new Passing(queue) {
                  @Override
                  public Duration visibility() {
                    return Duration.ZERO;
                  }
                },
            "a_source_says_how_long_it_hides_a_message"),
        fault(
            "a message in hand is handed out again",
            queue ->
                new Passing(queue) {
                  private List<ReceivedMessage> last = List.of();

                  @Override
                  public synchronized List<ReceivedMessage> receive(int max, Duration wait) {
                    List<ReceivedMessage> received = queue.receive(max, Duration.ZERO);
                    List<ReceivedMessage> answer = received.isEmpty() ? last : received;
                    last = received;
                    return answer;
                  }
                },
            "two_takers_never_hold_one_message"),
        fault(
            "a message is not hidden",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    List<ReceivedMessage> received = queue.receive(max, wait);
                    received.forEach(each -> queue.changeVisibility(each, Duration.ZERO));
                    return received;
                  }
                },
            "a_message_in_hand_is_hidden"),
        fault(
            "receives are not counted",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    return queue.receive(max, wait).stream()
                        .map(
                            each ->
                                ReceivedMessage.of(each.handle(), each.message().orElseThrow(), 1))
                        .toList();
                  }
                },
            "the_receive_count_counts"),
        fault(
            "more is handed out than was asked for",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    return queue.receive(10, wait);
                  }
                },
            "no_more_is_handed_out_than_was_asked_for"),
        fault(
            "any number may be asked for",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    return queue.receive(Math.max(1, Math.min(10, max)), wait);
                  }
                },
            "a_batch_is_1_to_10_messages"),
        fault(
            "messages are handed out in reverse",
            queue ->
                new Passing(queue) {
                  private List<ReceivedMessage> all = new ArrayList<>();

                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    if (all.isEmpty()) {
                      // One creator's messages come one by one: the last comes last.
                      List<ReceivedMessage> some = queue.receive(max, Duration.ZERO);
                      while (!some.isEmpty()) {
                        all.addAll(some);
                        some.forEach(queue::delete);
                        some = queue.receive(max, Duration.ZERO);
                      }
                      Collections.reverse(all);
                    }
                    List<ReceivedMessage> answer =
                        new ArrayList<>(all.subList(0, Math.min(max, all.size())));
                    all = new ArrayList<>(all.subList(answer.size(), all.size()));
                    return answer;
                  }
                },
            "one_creators_messages_are_handed_out_in_order_if_the_source_promises_it"),
        fault(
            "nobody waits",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    return queue.receive(max, Duration.ZERO);
                  }
                },
            "a_message_comes_back_when_its_visibility_has_passed_and_not_before"),
        fault(
            "only one thread is served",
            queue ->
                new Passing(queue) {
                  private final Thread served = Thread.currentThread();

                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    return Thread.currentThread() == served ? queue.receive(max, wait) : List.of();
                  }
                },
            "a_waiting_taker_gets_what_comes_meanwhile"),
        fault(
            "metadata is lost",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    return queue.receive(max, wait).stream()
                        .map(
                            each ->
                                ReceivedMessage.of(
                                    each.handle(),
                                    withoutMetadata(each.message().orElseThrow()),
                                    each.receiveCount()))
                        .toList();
                  }
                },
            "a_message_is_handed_out_with_every_field_unchanged"),
        fault(
            "an interrupt is swallowed",
            queue ->
                new Passing(queue) {
                  @Override
                  public List<ReceivedMessage> receive(int max, Duration wait) {
                    List<ReceivedMessage> received = queue.receive(max, wait);
                    Thread.interrupted();
                    return received;
                  }
                },
            "an_interrupted_taker_gets_nothing_and_stays_interrupted"));
  }

  @ParameterizedTest(name = "{0}: {2}")
  @MethodSource("faults")
  void a_fault_is_caught(String fault, Function<InMemoryQueue, MessageSource> broken, String test) {
    assertThat(ContractRun.failure(MessageSourceContract.class, test, () -> new Run(broken)))
        .as(fault)
        .containsInstanceOf(AssertionError.class);
  }

  @Test
  void each_test_of_the_contract_is_seen_to_catch_a_fault() {
    assertThat(faults().map(fault -> fault.get()[2]).distinct())
        .containsExactlyInAnyOrderElementsOf(ContractRun.tests(MessageSourceContract.class));
  }
}
