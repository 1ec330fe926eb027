package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.delivery.RateLimitGate.Outcome;
import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.MessageSource;
import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.MessageSource.VisibilityChange;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.queue.SourceException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** A batch whose parts fail one by one; the queue is a list of what the gate asked of it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class GateFaultsTest {
  private static final Duration WINDOW = Duration.ofMinutes(1);

  private final ManualTime time = new ManualTime();
  private final AskedQueue entry = new AskedQueue();
  private final List<OutboundMessage> forwarded = new ArrayList<>();
  private final List<List<String>> calls = new ArrayList<>();
  private Function<OutboundMessage, Optional<Kind>> refusal = message -> Optional.empty();

  private final MessageSink workflow =
      new MessageSink() {
        @Override
        public SinkResult.Taken send(OutboundMessage message) {
          Optional<Kind> kind = refusal.apply(message);
          if (kind.isPresent()) {
            throw new SinkException(kind.get(), "not taken", null);
          }
          forwarded.add(message);
          return new SinkResult.Taken(Optional.empty());
        }

        @Override
        public List<SinkResult> forwardAll(List<Granted> granted) {
          calls.add(granted.stream().map(each -> each.message().messageId()).toList());
          return MessageSink.super.forwardAll(granted);
        }
      };

  /** Remembers what it is asked; does as a test says. */
  private static final class AskedQueue implements MessageSource {
    final List<List<VisibilityChange>> changes = new ArrayList<>();
    final Map<String, String> putAside = new LinkedHashMap<>();
    Function<List<VisibilityChange>, List<NotDone>> onChange = some -> List.of();
    boolean takesDeadLetters = true;
    int puts;

    @Override
    public Duration visibility() {
      return WINDOW;
    }

    @Override
    public List<ReceivedMessage> receive(int max, Duration wait) {
      return List.of();
    }

    @Override
    public void delete(ReceivedMessage received) {}

    @Override
    public void changeVisibility(ReceivedMessage received, Duration visibility) {}

    @Override
    public List<NotDone> changeVisibilityAll(List<VisibilityChange> some) {
      changes.add(some);
      return onChange.apply(some);
    }

    @Override
    public void deadLetter(ReceivedMessage received, String reason) {
      puts++;
      if (!takesDeadLetters) {
        throw new SourceException("down", null);
      }
      putAside.put(received.handle(), reason);
    }

    Duration hiddenFor(String handle) {
      return changes.stream()
          .flatMap(List::stream)
          .filter(change -> change.received().handle().equals(handle))
          .findFirst()
          .orElseThrow()
          .visibility();
    }
  }

  private TokenBucket bucket(int permits) {
    return InMemoryTokenBucket.builder(RateLimit.rolling(permits, WINDOW))
        .guard(Duration.ZERO)
        .clock(time)
        .ticker(time)
        .build();
  }

  private RateLimitGate gate(TokenBucket bucket) {
    return RateLimitGate.builder(bucket, entry, workflow).ticker(time).build();
  }

  private static OutboundMessage.Builder message(String id) {
    return OutboundMessage.builder(id, "creator", Instant.EPOCH).recipientId("r").content("c");
  }

  private static ReceivedMessage received(String id) {
    return ReceivedMessage.of("h-" + id, message(id).build(), 1);
  }

  private static ReceivedMessage poison(String handle) {
    PayloadException fault = new PayloadException(PayloadException.Reason.NOT_JSON, "body");
    return ReceivedMessage.unreadable(handle, fault, 1);
  }

  /** A bucket that answers all requests alike. */
  private static TokenBucket answering(Function<PermitRequest, Permit> answer) {
    TokenBucket none = InMemoryTokenBucket.of(RateLimit.rolling(1, WINDOW));
    Faults<TokenBucket> part = Faults.of(TokenBucket.class, none);
    return new AnsweringBucket(part.part(), answer);
  }

  private record AnsweringBucket(TokenBucket other, Function<PermitRequest, Permit> answer)
      implements TokenBucket {
    @Override
    public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
      return requests.stream().map(answer).toList();
    }

    @Override
    public boolean release(String id) {
      return other.release(id);
    }

    @Override
    public void blockFor(Scope scope, Duration duration) {
      other.blockFor(scope, duration);
    }

    @Override
    public BucketState state(Scope scope) {
      return other.state(scope);
    }
  }

  @Test
  void a_batch_asks_the_bucket_the_sink_and_the_queue_once_each() {
    Faults<TokenBucket> counted = Faults.of(TokenBucket.class, bucket(2));
    List<ReceivedMessage> batch = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      batch.add(received("m" + i));
    }
    gate(counted.part()).process(batch);
    assertThat(counted.calls()).isEqualTo(1);
    assertThat(calls).containsExactly(List.of("m0", "m1"));
    assertThat(entry.changes).hasSize(1);
    assertThat(entry.changes.get(0)).hasSize(8);
  }

  @Test
  void a_visibility_that_was_not_changed_is_asked_for_once_more_and_a_lost_one_is_not() {
    List<ReceivedMessage> batch = List.of(received("m0"), received("m1"), received("m2"));
    entry.onChange =
        some ->
            entry.changes.size() > 1
                ? List.of()
                : List.of(
                    new NotDone(batch.get(1), new SourceException("try again", null)),
                    new NotDone(batch.get(2), new NotInHandException("gone", null)));
    assertThat(gate(answering(r -> new Permit.Refused(r.id(), WINDOW))).process(batch))
        .containsOnly(Outcome.BOOKED);
    assertThat(entry.changes).hasSize(2);
    assertThat(entry.changes.get(1))
        .extracting(change -> change.received().handle())
        .containsExactly("h-m1");
  }

  @Test
  void a_queue_that_never_changes_a_visibility_is_asked_twice_and_fails_nothing() {
    entry.onChange =
        some -> {
          throw new IllegalStateException("a source of another kind");
        };
    assertThat(
            gate(answering(r -> new Permit.Refused(r.id(), WINDOW)))
                .process(List.of(received("m0"))))
        .containsExactly(Outcome.BOOKED);
    assertThat(entry.changes).hasSize(2);
  }

  @Test
  void back_off_grows_with_the_receives_within_bounds_and_differs_from_message_to_message() {
    TokenBucket down =
        answering(
            request -> {
              throw new TokenBucketException("down", null);
            });
    List<ReceivedMessage> batch = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      int receives = i < 20 ? 1 : i < 40 ? 2 : 1_000;
      batch.add(ReceivedMessage.of("h" + i, message("m" + i).build(), receives));
    }
    RateLimitGate gate = RateLimitGate.builder(down, entry, workflow).random(new Random(7)).build();
    assertThat(gate.process(batch)).containsOnly(Outcome.RETRY);

    List<Duration> hidden =
        entry.changes.get(0).stream().map(VisibilityChange::visibility).toList();
    assertThat(hidden.subList(0, 20))
        .allMatch(each -> each.toSeconds() >= 30 && each.toMillis() <= 60_000);
    assertThat(hidden.subList(20, 40)).anyMatch(each -> each.toSeconds() > 60);
    assertThat(hidden.subList(20, 40)).allMatch(each -> each.toMillis() <= 120_000);
    assertThat(hidden.subList(40, 60)).anyMatch(each -> each.toSeconds() > 240);
    assertThat(hidden).allMatch(each -> each.toMillis() <= 300_000);
    assertThat(new HashSet<>(hidden)).as("no herd").hasSizeGreaterThan(50);
    assertThat(entry.putAside).isEmpty();
  }

  @Test
  void a_booked_message_comes_back_at_its_instant_however_long_its_batch_takes_after_the_answer() {
    refusal =
        message -> {
          time.advance(Duration.ofSeconds(2));
          return Optional.empty();
        };
    entry.onChange =
        some -> {
          time.advance(Duration.ofSeconds(1));
          throw new IllegalStateException("down");
        };
    RateLimitGate gate =
        gate(
            answering(
                r ->
                    switch (r.id()) {
                      case "goes" -> new Permit.Granted(r.id(), Instant.EPOCH, Duration.ZERO, 0);
                      case "soon" ->
                          new Permit.Booked(r.id(), Instant.EPOCH, Duration.ofSeconds(1));
                      default -> new Permit.Booked(r.id(), Instant.EPOCH, WINDOW);
                    }));
    gate.process(List.of(received("goes"), received("soon"), received("later")));
    assertThat(entry.changes)
        .map(some -> some.stream().map(VisibilityChange::visibility).toList())
        .containsExactly(
            List.of(Duration.ZERO, WINDOW.minusSeconds(2)),
            List.of(Duration.ZERO, WINDOW.minusSeconds(3)));
  }

  @Test
  void no_permit_is_asked_for_that_could_not_be_used_in_time() {
    Faults<TokenBucket> counted = Faults.of(TokenBucket.class, bucket(2));
    RateLimitGate gate =
        RateLimitGate.builder(counted.part(), entry, workflow)
            .longestCall(Duration.ofSeconds(2))
            .build();
    List<ReceivedMessage> batch = List.of(received("m0"));
    assertThat(gate.process(batch, () -> Duration.ofMillis(7_999))).containsExactly(Outcome.RETRY);
    assertThat(counted.calls()).isZero();
    assertThat(gate.process(batch, () -> Duration.ofSeconds(8))).containsExactly(Outcome.FORWARDED);
  }

  @Test
  void what_is_beyond_the_horizon_comes_back_just_before_it_and_what_is_within_at_its_instant() {
    Duration near = Duration.ofHours(11).minusSeconds(1);
    Duration far = Duration.ofHours(30);
    gate(answering(
            r ->
                r.id().equals("near")
                    ? new Permit.Booked(r.id(), Instant.EPOCH, near)
                    : new Permit.Refused(r.id(), far)))
        .process(List.of(received("near"), received("far")));
    assertThat(entry.hiddenFor("h-near")).isEqualTo(near);
    assertThat(entry.hiddenFor("h-far"))
        .isBetween(Duration.ofHours(11).minusMinutes(5), Duration.ofHours(11));
  }

  @Test
  void poison_that_cannot_be_put_aside_fails_alone_and_not_all_of_it_is_tried() {
    entry.takesDeadLetters = false;
    List<ReceivedMessage> batch = new ArrayList<>();
    batch.add(received("m0"));
    for (int i = 0; i < 6; i++) {
      batch.add(poison("p" + i));
    }
    List<Outcome> outcomes = gate(bucket(9)).process(batch);
    assertThat(outcomes.get(0)).isEqualTo(Outcome.FORWARDED);
    assertThat(outcomes.subList(1, 7)).containsOnly(Outcome.RETRY);
    assertThat(entry.puts).isEqualTo(3);
    assertThat(entry.changes.get(0)).hasSize(6);
  }

  @Test
  void an_id_no_permit_takes_harms_no_neighbour() {
    String longId = "x".repeat(500);
    Set<String> ids = new HashSet<>();
    TokenBucket granting =
        answering(
            r -> {
              ids.add(r.id());
              return new Permit.Granted(r.id(), Instant.EPOCH, Duration.ZERO, 0);
            });
    List<Outcome> outcomes =
        gate(granting)
            .process(
                List.of(
                    received("m0"),
                    received(longId),
                    received(longId + "y"),
                    received("with\u0007bell"),
                    ReceivedMessage.of(
                        "h-half",
                        OutboundMessage.builder("half", "\ud800", Instant.EPOCH).build(),
                        1)));
    assertThat(outcomes)
        .containsExactly(
            Outcome.FORWARDED,
            Outcome.FORWARDED,
            Outcome.FORWARDED,
            Outcome.FORWARDED,
            Outcome.DEAD_LETTERED);
    assertThat(ids).hasSize(4);
    assertThat(entry.putAside).containsExactly(Map.entry("h-half", "ILLEGAL_ID"));
  }

  @Test
  void a_revived_message_gets_a_slot_of_its_own() {
    TokenBucket bucket = bucket(2);
    RateLimitGate gate = gate(bucket);
    gate.process(List.of(received("m")));
    List<ReceivedMessage> revived =
        List.of(ReceivedMessage.of("h2", message("m").revival(1).build(), 1));
    gate.process(revived);
    assertThat(gate.process(List.of(received("other"))))
        .as("both slots are taken")
        .containsExactly(Outcome.BOOKED);
  }

  @Test
  void two_records_of_one_message_take_one_permit_and_are_forwarded_once() {
    assertThat(
            gate(bucket(1))
                .process(List.of(received("m"), ReceivedMessage.of("h2", message("m").build(), 2))))
        .containsExactly(Outcome.FORWARDED, Outcome.FORWARDED);
    assertThat(forwarded).hasSize(1);
  }

  @Test
  void both_records_of_one_message_that_waits_are_hidden() {
    gate(answering(r -> new Permit.Booked(r.id(), Instant.EPOCH, WINDOW)))
        .process(List.of(received("m"), ReceivedMessage.of("h2", message("m").build(), 2)));
    assertThat(entry.changes.get(0)).hasSize(2);
  }

  @Test
  void of_a_group_those_behind_one_that_goes_back_go_back_with_it_and_other_groups_go_on() {
    TokenBucket refusesOne =
        answering(
            r ->
                r.id().equals("a2")
                    ? new Permit.Booked(r.id(), Instant.EPOCH, WINDOW)
                    : r.id().equals("a4")
                        ? new Permit.Booked(r.id(), Instant.EPOCH, WINDOW.multipliedBy(2))
                        : new Permit.Granted(r.id(), Instant.EPOCH, Duration.ZERO, 1));
    List<Outcome> outcomes =
        gate(refusesOne)
            .process(
                List.of(
                    received("a1").inGroup("a"),
                    received("a2").inGroup("a"),
                    received("b1").inGroup("b"),
                    received("a3").inGroup("a"),
                    received("a4").inGroup("a"),
                    received("b2").inGroup("b")));
    assertThat(outcomes)
        .containsExactly(
            Outcome.FORWARDED,
            Outcome.BOOKED,
            Outcome.FORWARDED,
            Outcome.RETRY,
            Outcome.BOOKED,
            Outcome.FORWARDED);
    assertThat(calls).containsExactly(List.of("a1", "b1", "b2"));
    assertThat(List.of("h-a2", "h-a3", "h-a4"))
        .as("in hand for longer, one would keep the group from being handed out")
        .allMatch(handle -> entry.hiddenFor(handle).equals(WINDOW));
  }

  @Test
  void poison_of_a_group_holds_up_those_behind_it_only_if_it_cannot_be_put_aside() {
    List<ReceivedMessage> batch =
        List.of(poison("p").inGroup("a"), received("a2").inGroup("a"), received("b1").inGroup("b"));
    assertThat(gate(bucket(9)).process(batch))
        .containsExactly(Outcome.DEAD_LETTERED, Outcome.FORWARDED, Outcome.FORWARDED);
    entry.takesDeadLetters = false;
    assertThat(gate(bucket(9)).process(batch))
        .containsExactly(Outcome.RETRY, Outcome.RETRY, Outcome.FORWARDED);
  }

  @Test
  void poison_of_a_group_holds_up_none_ahead_of_it() {
    entry.takesDeadLetters = false;
    assertThat(
            gate(bucket(9)).process(List.of(received("a1").inGroup("a"), poison("p").inGroup("a"))))
        .containsExactly(Outcome.FORWARDED, Outcome.RETRY);
  }

  @Test
  void what_was_put_aside_stays_so_in_a_group_too() {
    ReceivedMessage half =
        ReceivedMessage.of(
            "h-half", OutboundMessage.builder("half", "\ud800", Instant.EPOCH).build(), 1);
    assertThat(gate(bucket(9)).process(List.of(half.inGroup("a"), received("a2").inGroup("a"))))
        .containsExactly(Outcome.DEAD_LETTERED, Outcome.FORWARDED);
  }

  @Test
  void a_bucket_that_answers_too_little_grants_nothing() {
    TokenBucket granting =
        answering(r -> new Permit.Granted(r.id(), Instant.EPOCH, Duration.ZERO, 0));
    TokenBucket forgetful =
        new TokenBucket() {
          @Override
          public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
            return granting.tryAcquireAll(requests.subList(1, requests.size()));
          }

          @Override
          public boolean release(String id) {
            return false;
          }

          @Override
          public void blockFor(Scope scope, Duration duration) {}

          @Override
          public BucketState state(Scope scope) {
            return granting.state(scope);
          }
        };
    assertThat(gate(forgetful).process(List.of(received("m1"), received("m2"))))
        .containsOnly(Outcome.RETRY);
    assertThat(forwarded).isEmpty();
  }

  @Test
  void a_message_of_a_group_asks_for_a_permit_that_keeps_the_order() {
    List<Boolean> ordered = new ArrayList<>();
    gate(answering(
            r -> {
              ordered.add(r.isOrdered());
              return new Permit.Granted(r.id(), Instant.EPOCH, Duration.ZERO, 1);
            }))
        .process(List.of(received("m1"), received("m2").inGroup("a")));
    assertThat(ordered).containsExactly(false, true);
  }

  @Test
  void no_call_is_begun_that_may_outlast_the_time_and_what_was_not_forwarded_goes_back() {
    List<ReceivedMessage> batch = List.of(received("m0"), poison("p"));
    Faults<TokenBucket> counted = Faults.of(TokenBucket.class, bucket(9));
    assertThat(gate(counted.part()).process(batch, () -> Duration.ofMillis(2_999)))
        .containsOnly(Outcome.RETRY);
    assertThat(counted.calls()).isZero();
    assertThat(entry.changes).isEmpty();
    assertThat(entry.puts).isZero();
  }

  @Test
  void time_that_runs_out_while_permits_are_asked_for_leaves_the_grant_for_the_next_receive() {
    List<ReceivedMessage> batch = List.of(received("m0"));
    TokenBucket bucket = bucket(1);
    Iterator<Duration> slowAnswer =
        List.of(Duration.ofSeconds(12), Duration.ofSeconds(8)).iterator();
    Supplier<Duration> remaining = () -> slowAnswer.hasNext() ? slowAnswer.next() : Duration.ZERO;
    assertThat(gate(bucket).process(batch, remaining)).containsExactly(Outcome.RETRY);
    assertThat(forwarded).isEmpty();
    assertThat(gate(bucket).process(batch, () -> Duration.ofSeconds(12)))
        .containsExactly(Outcome.FORWARDED);
  }

  @Test
  void a_sink_that_fails_as_a_whole_fails_nothing_but_its_messages() {
    MessageSink broken =
        new MessageSink() {
          @Override
          public SinkResult.Taken send(OutboundMessage message) {
            throw new IllegalStateException("broken");
          }

          @Override
          public List<SinkResult> forwardAll(List<Granted> granted) {
            throw new IllegalStateException("broken");
          }
        };
    RateLimitGate gate = RateLimitGate.builder(bucket(9), entry, broken).build();
    assertThat(gate.process(List.of(received("m0"), poison("p"))))
        .containsExactly(Outcome.RETRY, Outcome.DEAD_LETTERED);
    assertThat(entry.hiddenFor("h-m0")).isGreaterThanOrEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void what_the_workflow_queue_refuses_is_put_aside_and_what_it_cannot_take_now_comes_back() {
    refusal =
        message ->
            switch (message.messageId()) {
              case "large" -> Optional.of(Kind.MESSAGE_REFUSED);
              case "late" -> Optional.of(Kind.THROTTLED);
              default -> Optional.empty();
            };
    assertThat(gate(bucket(9)).process(List.of(received("large"), received("late"), received("m"))))
        .containsExactly(Outcome.DEAD_LETTERED, Outcome.RETRY, Outcome.FORWARDED);
    assertThat(entry.putAside).containsExactly(Map.entry("h-large", "MESSAGE_REFUSED"));
  }

  @Test
  void a_sink_that_says_in_a_word_why_it_refuses_names_the_dead_letters_reason() {
    MessageSink refusing =
        message -> {
          throw new SinkException(Kind.MESSAGE_REFUSED, "in_doubt", null);
        };
    RateLimitGate.builder(bucket(9), entry, refusing).build().process(List.of(received("m")));
    assertThat(entry.putAside).containsExactly(Map.entry("h-m", "in_doubt"));
  }
}
