package com.huntaze.ratelimiter.testkit;

import static com.huntaze.ratelimiter.testkit.StoreSamples.ERROR;
import static com.huntaze.ratelimiter.testkit.StoreSamples.LONG;
import static com.huntaze.ratelimiter.testkit.StoreSamples.SHORT;
import static com.huntaze.ratelimiter.testkit.StoreSamples.atOnce;
import static com.huntaze.ratelimiter.testkit.StoreSamples.await;
import static com.huntaze.ratelimiter.testkit.StoreSamples.byCreator;
import static com.huntaze.ratelimiter.testkit.StoreSamples.everyField;
import static com.huntaze.ratelimiter.testkit.StoreSamples.ids;
import static com.huntaze.ratelimiter.testkit.StoreSamples.message;
import static com.huntaze.ratelimiter.testkit.StoreSamples.only;
import static com.huntaze.ratelimiter.testkit.StoreSamples.store;
import static com.huntaze.ratelimiter.testkit.StoreSamples.until;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.NotQueued;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link FallbackStore} promises. A test class for a store extends this one and says how
 * to make it; JUnit then runs all of these.
 *
 * <p>Stores keep time by clocks of their own, so nothing here moves a clock: where time has to
 * pass, it is a fraction of a second, waited for until it shows and for 10 s at the most.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class FallbackStoreContract {
  /** For subclasses. */
  protected FallbackStoreContract() {}

  /**
   * {@return a store that holds nothing, and that no other test uses}
   *
   * @throws Exception if it cannot be made; the test fails
   */
  protected abstract FallbackStore newStore() throws Exception;

  @Test
  void what_was_stored_is_claimed_unchanged() throws Exception {
    FallbackStore store = newStore();
    OutboundMessage message = everyField("every");
    store.store(message, ERROR);

    StoredMessage claimed = only(store.claim(10, LONG));

    assertThat(claimed.message()).isEqualTo(message);
    assertThat(claimed.attempts()).isZero();
    assertThat(claimed.lastError()).contains(ERROR);
    assertThat(claimed.lease()).isNotBlank();
  }

  @Test
  void an_action_without_recipient_or_content_is_kept_too() throws Exception {
    FallbackStore store = newStore();
    OutboundMessage action =
        OutboundMessage.builder("action", "user_42", Instant.parse("2026-01-01T00:00:00Z"))
            .action("download_media")
            .mediaUrls(List.of("https://cdn.example.com/a.jpg"))
            .build();
    store.store(action, ERROR);

    assertThat(only(store.claim(10, LONG)).message()).isEqualTo(action);
  }

  @Test
  void a_mebibyte_of_content_is_kept() throws Exception {
    FallbackStore store = newStore();
    OutboundMessage message = message("large", "🙂" + "x".repeat(1 << 20));
    store.store(message, ERROR);

    assertThat(only(store.claim(10, LONG)).message().content()).isEqualTo(message.content());
  }

  @Test
  void a_long_error_is_no_reason_not_to_store() throws Exception {
    FallbackStore store = newStore();
    store.store(message("a", "hello"), "🙂".repeat(20_000));

    StoredMessage claimed = only(store.claim(10, LONG));

    assertThat(claimed.lastError().orElseThrow()).startsWith("🙂🙂").endsWith("🙂");
  }

  @Test
  void the_time_of_storing_is_the_stores() throws Exception {
    FallbackStore store = newStore();
    store.store(message("a", "hello"), ERROR);
    store.store(message("b", "hello"), ERROR);

    List<StoredMessage> claimed = store.claim(10, LONG);

    assertThat(claimed.get(0).storedAt()).isAfter(Instant.parse("2026-01-01T00:00:00Z"));
    assertThat(claimed.get(1).storedAt()).isAfterOrEqualTo(claimed.get(0).storedAt());
  }

  @Test
  void the_same_message_twice_is_one() throws Exception {
    FallbackStore store = newStore();
    store.store(everyField("a"), ERROR);
    store.store(everyField("a"), "another error");

    assertThat(store.claim(10, LONG)).hasSize(1);
    assertThat(store.backlog().waiting()).isEqualTo(1);
  }

  @Test
  void the_same_message_accepted_again_later_is_one() throws Exception {
    FallbackStore store = newStore();
    Instant accepted = Instant.parse("2026-01-01T00:00:00Z");
    store.store(message("a", "hello", accepted), ERROR);
    store.store(message("a", "hello", accepted.plusSeconds(5)), ERROR);

    assertThat(only(store.claim(10, LONG)).message().timestamp()).isEqualTo(accepted);
  }

  @Test
  void another_message_under_the_same_id_is_refused() throws Exception {
    FallbackStore store = newStore();
    store.store(message("a", "hello"), ERROR);

    assertThatThrownBy(() -> store.store(message("a", "goodbye"), ERROR))
        .isInstanceOf(FallbackException.class)
        .hasMessageContaining("a")
        .hasMessageNotContaining("goodbye")
        .hasMessageNotContaining("hello");
    assertThat(only(store.claim(10, LONG)).message().content()).contains("hello");
  }

  @Test
  void ids_differ_by_the_case_of_a_letter() throws Exception {
    FallbackStore store = newStore();
    store.store(message("order-A", "hello"), ERROR);
    store.store(message("order-a", "goodbye"), ERROR);

    assertThat(store.claim(10, LONG)).hasSize(2);
  }

  @Test
  void the_oldest_are_claimed_first_and_no_more_than_asked_for() throws Exception {
    FallbackStore store = newStore();
    List<String> stored = store(store, 25);

    List<String> claimed = new ArrayList<>();
    for (int size : List.of(10, 10, 5)) {
      List<StoredMessage> some = store.claim(10, LONG);
      assertThat(some).hasSize(size);
      claimed.addAll(ids(some));
    }

    assertThat(claimed).isEqualTo(stored);
  }

  @Test
  void what_is_claimed_is_not_handed_out_again() throws Exception {
    FallbackStore store = newStore();
    store(store, 3);

    assertThat(store.claim(2, LONG)).hasSize(2);
    assertThat(store.claim(10, LONG)).hasSize(1);
    assertThat(store.claim(10, LONG)).isEmpty();
  }

  @Test
  void many_claimers_at_once_get_each_message_once() throws Exception {
    FallbackStore store = newStore();
    List<String> stored = store(store, 1_000);
    Queue<StoredMessage> claimed = new ConcurrentLinkedQueue<>();

    atOnce(8, () -> until(claimed, stored.size(), () -> store.claim(20, LONG)));

    assertThat(ids(List.copyOf(claimed))).containsExactlyInAnyOrderElementsOf(stored);
    assertThat(store.replayed(List.copyOf(claimed))).isEqualTo(stored.size());
    assertThat(store.backlog().waiting()).isZero();
    assertThat(store.backlog().count(StoredStatus.QUEUED)).isEqualTo(stored.size());
  }

  @Test
  void many_replayers_at_once_settle_all_they_claimed() throws Exception {
    FallbackStore store = newStore();
    List<String> stored = store(store, 300);
    Queue<StoredMessage> replayed = new ConcurrentLinkedQueue<>();

    atOnce(
        8,
        () ->
            until(
                replayed,
                stored.size(),
                () -> {
                  List<StoredMessage> some = store.claim(10, LONG);
                  return store.replayed(some) == some.size() ? some : List.of();
                }));

    assertThat(ids(List.copyOf(replayed))).containsExactlyInAnyOrderElementsOf(stored);
    assertThat(store.backlog().waiting()).isZero();
  }

  @Test
  void one_message_stored_by_many_at_once_is_one() throws Exception {
    FallbackStore store = newStore();
    atOnce(8, () -> store.store(everyField("a"), ERROR));

    assertThat(store.claim(10, LONG)).hasSize(1);
  }

  @Test
  void a_lapsed_claim_is_handed_out_again_and_its_holder_is_too_late() throws Exception {
    FallbackStore store = newStore();
    store(store, 1);
    StoredMessage late = only(store.claim(1, SHORT));

    StoredMessage claimed = only(await(() -> store.claim(1, LONG)));

    assertThat(claimed.message()).isEqualTo(late.message());
    assertThat(claimed.lease()).isNotEqualTo(late.lease());
    assertThat(store.replayed(List.of(late))).isZero();
    assertThat(store.failed(late, ERROR, Duration.ZERO)).isFalse();
    assertThat(store.dead(late, ERROR)).isFalse();
    assertThat(store.claim(1, LONG)).isEmpty();
    assertThat(store.replayed(List.of(late, claimed))).isEqualTo(1);
  }

  @Test
  void a_failed_message_waits_out_its_back_off() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    List<StoredMessage> claimed = store.claim(2, LONG);

    assertThat(store.failed(claimed.get(0), "first", LONG)).isTrue();
    assertThat(store.failed(claimed.get(1), "second", SHORT)).isTrue();

    StoredMessage again = only(await(() -> store.claim(10, LONG)));
    assertThat(again.message()).isEqualTo(claimed.get(1).message());
    assertThat(again.attempts()).isEqualTo(1);
    assertThat(again.lastError()).contains("second");
    assertThat(again.storedAt()).isEqualTo(claimed.get(1).storedAt());
    assertThat(store.backlog().waiting()).isEqualTo(2);
  }

  @Test
  void a_failed_message_that_is_due_goes_before_younger_ones() throws Exception {
    FallbackStore store = newStore();
    List<String> stored = store(store, 2);
    StoredMessage first = only(store.claim(1, LONG));
    store.failed(first, ERROR, Duration.ZERO);

    List<StoredMessage> due = await(() -> store.claim(2, LONG));

    assertThat(ids(due)).isEqualTo(stored);
  }

  @Test
  void a_settled_claim_cannot_be_settled_again() throws Exception {
    FallbackStore store = newStore();
    store(store, 1);
    StoredMessage claimed = only(store.claim(1, LONG));

    assertThat(store.failed(claimed, ERROR, LONG)).isTrue();

    assertThat(store.failed(claimed, ERROR, Duration.ZERO)).isFalse();
    assertThat(store.dead(claimed, ERROR)).isFalse();
    assertThat(store.replayed(List.of(claimed))).isZero();
    assertThat(store.claim(1, LONG)).isEmpty();
  }

  @Test
  void a_replayed_message_never_comes_back() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    List<StoredMessage> claimed = store.claim(2, SHORT);
    assertThat(store.replayed(claimed.subList(0, 1))).isEqualTo(1);

    // Both leases were the same: when the other message is back, this one would be too.
    List<StoredMessage> lapsed = await(() -> store.claim(10, LONG));

    assertThat(ids(lapsed)).isEqualTo(ids(claimed.subList(1, 2)));
    assertThat(store.backlog().count(StoredStatus.QUEUED)).isEqualTo(1);
  }

  @Test
  void claims_of_several_rounds_are_settled_together() throws Exception {
    FallbackStore store = newStore();
    store(store, 3);
    List<StoredMessage> claimed = new ArrayList<>(store.claim(2, LONG));
    claimed.addAll(store.claim(2, LONG));

    assertThat(store.replayed(claimed)).isEqualTo(3);
    assertThat(store.replayed(List.of())).isZero();
  }

  @Test
  void a_replayed_message_that_is_stored_again_waits_again() throws Exception {
    FallbackStore store = newStore();
    store(store, 1);
    List<StoredMessage> claimed = store.claim(1, LONG);
    assertThat(store.replayed(claimed)).isEqualTo(1);
    OutboundMessage message = only(claimed).message();

    store.store(message, "the queue closed");

    assertThat(only(store.claim(10, LONG)).message()).isEqualTo(message);
  }

  @Test
  void the_backlog_counts_by_status_and_tells_the_longest_wait() throws Exception {
    FallbackStore store = newStore();
    assertThat(store.backlog().waiting()).isZero();
    assertThat(store.backlog().oldestWaiting()).isEmpty();
    store(store, 4);
    List<StoredMessage> claimed = store.claim(3, LONG);
    store.replayed(claimed.subList(0, 1));
    store.dead(claimed.get(1), ERROR);

    assertThat(store.backlog().byStatus())
        .containsEntry(StoredStatus.FAILED, 2L)
        .containsEntry(StoredStatus.QUEUED, 1L)
        .containsEntry(StoredStatus.DEAD, 1L);
    Optional<Duration> longer =
        await(
                () ->
                    store.backlog().oldestWaiting().stream()
                        .filter(wait -> wait.compareTo(Duration.ofMillis(50)) > 0)
                        .collect(toList()))
            .stream()
            .findFirst();
    assertThat(longer.orElseThrow()).isLessThan(LONG);
  }

  @Test
  void a_dead_message_is_not_handed_out_again() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    List<StoredMessage> claimed = store.claim(2, SHORT);
    assertThat(store.dead(claimed.get(0), "refused")).isTrue();

    assertThat(await(() -> store.claim(10, LONG))).hasSize(1); // the other, as its lease ended
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
  }

  @Test
  void a_held_message_is_dead_from_the_start() throws Exception {
    FallbackStore store = newStore();
    store.hold(everyField("held"), "no answer");
    store.hold(everyField("held"), "no answer");

    assertThat(store.claim(10, LONG)).isEmpty();
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
    assertThat(store.backlog().oldestWaiting()).isEmpty();
    assertThatThrownBy(() -> store.hold(message("held", "another"), "no answer"))
        .isInstanceOf(FallbackException.class);
  }

  @Test
  void a_message_that_waits_is_dead_once_it_is_held_whoever_has_claimed_it() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    StoredMessage claimed = only(store.claim(1, LONG));
    OutboundMessage waiting = message("message-1", "hello");

    store.hold(claimed.message(), "no answer");
    store.hold(waiting, "no answer");

    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(2);
    assertThat(store.backlog().waiting()).isZero();
    assertThat(store.claim(10, LONG)).isEmpty();
    assertThat(store.replayed(List.of(claimed))).as("by a claimer who is too late").isZero();
    assertThat(store.failed(claimed, ERROR, Duration.ZERO)).isFalse();
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(2);
  }

  @Test
  void several_are_stored_at_once_in_order_and_each_fares_for_itself() throws Exception {
    FallbackStore store = newStore();
    store.store(message("taken", "hello"), ERROR);
    store.store(message("known", "hello"), ERROR);

    List<Optional<FallbackException>> refusals =
        store.storeAll(
            List.of(
                new NotQueued(message("a", "hello"), "first"),
                new NotQueued(message("taken", "another"), ERROR),
                new NotQueued(message("known", "hello"), ERROR),
                new NotQueued(everyField("b"), "second"),
                new NotQueued(everyField("b"), "third")));

    assertThat(refusals.stream().map(Optional::isPresent))
        .containsExactly(false, true, false, false, false);
    assertThat(refusals.get(1).orElseThrow()).hasMessageContaining("taken");
    List<StoredMessage> claimed = store.claim(10, LONG);
    assertThat(ids(claimed)).containsExactly("taken", "known", "a", "b");
    assertThat(claimed.get(0).message().content()).contains("hello");
    assertThat(claimed.get(2).lastError()).contains("first");
    assertThat(claimed.get(3).message()).isEqualTo(everyField("b"));
    assertThat(store.storeAll(List.of())).isEmpty();
  }

  @Test
  void a_thousand_stored_at_once_keep_their_order() throws Exception {
    FallbackStore store = newStore();
    List<OutboundMessage> messages =
        IntStream.range(0, 1_000).mapToObj(i -> byCreator("creator_" + i % 7, "m" + i)).toList();

    store.storeAll(messages.stream().map(each -> new NotQueued(each, ERROR)).toList());

    assertThat(store.claim(1_000, LONG).stream().map(StoredMessage::message)).isEqualTo(messages);
  }

  @Test
  void what_a_claimer_gives_back_is_due_and_counts_no_attempt() throws Exception {
    FallbackStore store = newStore();
    store(store, 3);
    List<StoredMessage> claimed = store.claim(3, LONG);

    assertThat(store.release(claimed.subList(0, 2), Duration.ZERO)).isEqualTo(2);
    assertThat(store.release(claimed.subList(2, 3), LONG)).isEqualTo(1);

    assertThat(store.release(claimed, Duration.ZERO)).isZero();
    List<StoredMessage> again = await(() -> store.claim(10, LONG));
    assertThat(ids(again)).isEqualTo(ids(claimed.subList(0, 2)));
    assertThat(again).allMatch(each -> each.attempts() == 0);
    assertThat(again.get(0).lastError()).contains(ERROR);
  }

  @Test
  void a_creators_message_waits_while_an_earlier_one_is_with_another_claimer() throws Exception {
    FallbackStore store = newStore();
    for (String id : List.of("a1", "a2", "b1", "a3")) {
      store.store(byCreator(id.substring(0, 1), id), ERROR);
    }

    List<StoredMessage> first = store.claim(1, LONG);
    List<StoredMessage> others = store.claim(10, LONG);

    assertThat(ids(first)).containsExactly("a1");
    assertThat(ids(others)).containsExactly("b1");
    assertThat(store.replayed(first)).isEqualTo(1);
    assertThat(ids(store.claim(10, LONG))).containsExactly("a2", "a3");
  }

  @Test
  void a_creators_messages_wait_behind_one_that_backs_off() throws Exception {
    FallbackStore store = newStore();
    for (String id : List.of("a1", "a2", "b1", "a3")) {
      store.store(byCreator(id.substring(0, 1), id), ERROR);
    }
    List<StoredMessage> claimed = store.claim(2, LONG);
    assertThat(store.failed(claimed.get(0), ERROR, SHORT)).isTrue();
    assertThat(store.release(claimed.subList(1, 2), Duration.ZERO)).isEqualTo(1);

    assertThat(ids(store.claim(10, LONG))).containsExactly("b1");
    assertThat(ids(await(() -> store.claim(10, LONG)))).containsExactly("a1", "a2", "a3");
  }

  @Test
  void nobody_waits_behind_a_dead_message() throws Exception {
    FallbackStore store = newStore();
    store.store(byCreator("a", "a1"), ERROR);
    store.store(byCreator("a", "a2"), ERROR);
    store.dead(only(store.claim(1, LONG)), ERROR);

    assertThat(ids(store.claim(10, LONG))).containsExactly("a2");
  }

  @Test
  void one_creators_long_backlog_does_not_hide_what_is_behind_it() throws Exception {
    FallbackStore store = newStore();
    List<NotQueued> backlog =
        IntStream.range(0, 500)
            .mapToObj(i -> new NotQueued(byCreator("a", "a" + i), ERROR))
            .toList();
    store.storeAll(backlog);
    store.store(byCreator("b", "b1"), ERROR);
    assertThat(ids(store.claim(1, LONG))).containsExactly("a0");

    assertThat(ids(store.claim(10, LONG))).containsExactly("b1");
  }

  @Test
  void many_claimers_at_once_keep_each_creators_order() throws Exception {
    FallbackStore store = newStore();
    List<NotQueued> messages =
        IntStream.range(0, 600)
            .mapToObj(i -> new NotQueued(byCreator("creator_" + i % 11, "m" + i), ERROR))
            .toList();
    store.storeAll(messages);
    Queue<StoredMessage> replayed = new ConcurrentLinkedQueue<>();

    atOnce(
        8,
        () ->
            until(
                replayed,
                600,
                () -> {
                  List<StoredMessage> some = store.claim(17, LONG);
                  replayed.addAll(some); // noted before the store is told
                  store.replayed(some);
                  return List.of();
                }));

    Map<String, List<Integer>> byCreator =
        replayed.stream()
            .map(StoredMessage::message)
            .collect(
                groupingBy(
                    OutboundMessage::creator,
                    mapping(each -> Integer.valueOf(each.messageId().substring(1)), toList())));
    assertThat(replayed).hasSize(600);
    assertThat(byCreator).hasSize(11);
    byCreator.values().forEach(numbers -> assertThat(numbers).isSorted());
  }

  @Test
  void creators_with_waiting_messages_are_told_whoever_holds_them() throws Exception {
    FallbackStore store = newStore();
    for (String id : List.of("a1", "b1", "c1", "d1")) {
      store.store(byCreator(id.substring(0, 1), id), ERROR);
    }
    List<StoredMessage> claimed = store.claim(3, LONG);
    store.replayed(claimed.subList(0, 1));
    store.dead(claimed.get(1), ERROR);

    assertThat(store.waiting(Set.of("a", "b", "c", "d", "e"))).containsExactlyInAnyOrder("c", "d");
    assertThat(store.waiting(Set.of("a"))).isEmpty();
    assertThat(store.waiting(Set.of())).isEmpty();
  }

  @Test
  void a_message_without_creator_waits_for_its_user() throws Exception {
    FallbackStore store = newStore();
    Instant accepted = Instant.parse("2026-01-01T00:00:00Z");
    for (String id : List.of("m1", "m2")) {
      store.store(
          OutboundMessage.builder(id, "user_1", accepted).recipientId("f").content("x").build(),
          ERROR);
    }

    assertThat(ids(store.claim(1, LONG))).containsExactly("m1");
    assertThat(store.claim(1, LONG)).isEmpty();
    assertThat(store.waiting(Set.of("user_1"))).containsExactly("user_1");
  }

  @Test
  void what_was_replayed_is_purged_in_small_steps_and_what_waits_stays() throws Exception {
    FallbackStore store = newStore();
    store(store, 8);
    List<StoredMessage> claimed = store.claim(7, LONG);
    assertThat(store.replayed(claimed.subList(0, 5))).isEqualTo(5);
    assertThat(store.dead(claimed.get(5), ERROR)).isTrue();

    assertThat(store.purge(LONG, 100)).isZero();
    assertThat(await(() -> Collections.nCopies(store.purge(SHORT, 3), "purged"))).hasSize(3);
    assertThat(store.purge(SHORT, 3)).isEqualTo(2);
    assertThat(store.purge(SHORT, 3)).isZero();

    assertThat(store.backlog().count(StoredStatus.QUEUED)).isZero();
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
    assertThat(store.backlog().waiting()).isEqualTo(2);
    store.store(message("message-0", "another"), ERROR); // its id is free again
  }

  @Test
  void a_claim_says_how_long_a_message_has_been_stored() throws Exception {
    FallbackStore store = newStore();
    store(store, 1);

    StoredMessage young = only(store.claim(1, SHORT));
    StoredMessage older = only(await(() -> store.claim(1, LONG)));

    assertThat(young.age()).isBetween(Duration.ZERO, LONG);
    assertThat(older.age()).isGreaterThanOrEqualTo(SHORT).isGreaterThan(young.age());
    assertThat(older.isPastDeduplication()).isFalse();
  }
}
