package com.huntaze.ratelimiter.testkit;

import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
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
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofMillis(200);
  private static final String ERROR = "NOT_SENT: connection refused";

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
    assertThat(store.revive(ids(claimed).get(0))).isFalse();
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
  void a_dead_message_stays_until_it_is_revived() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    List<StoredMessage> claimed = store.claim(2, SHORT);
    assertThat(store.dead(claimed.get(0), "refused")).isTrue();
    assertThat(await(() -> store.claim(10, LONG))).hasSize(1); // the other, as its lease ended
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);

    assertThat(store.revive(ids(claimed).get(0))).isTrue();

    StoredMessage revived = only(store.claim(10, LONG));
    assertThat(revived.message()).isEqualTo(claimed.get(0).message());
    assertThat(revived.attempts()).isZero();
    assertThat(revived.lastError()).contains("refused");
    assertThat(store.revive(ids(claimed).get(0))).isFalse();
    assertThat(store.revive("nobody")).isFalse();
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
  void a_held_message_is_dead_from_the_start_and_may_be_revived() throws Exception {
    FallbackStore store = newStore();
    store.hold(everyField("held"), "no answer");
    store.hold(everyField("held"), "no answer");

    assertThat(store.claim(10, LONG)).isEmpty();
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
    assertThat(store.backlog().oldestWaiting()).isEmpty();
    assertThat(store.revive("held")).isTrue();

    StoredMessage revived = only(store.claim(10, LONG));
    assertThat(revived.message()).isEqualTo(everyField("held"));
    assertThat(revived.lastError()).contains("no answer");
    assertThatThrownBy(() -> store.hold(message("held", "another"), "no answer"))
        .isInstanceOf(FallbackException.class);
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

  private static OutboundMessage message(String id, String content) {
    return message(id, content, Instant.parse("2026-01-01T00:00:00.123456Z"));
  }

  private static OutboundMessage message(String id, String content, Instant timestamp) {
    return OutboundMessage.builder(id, "user_42", timestamp)
        .recipientId("fan_7")
        .content(content)
        .build();
  }

  private static OutboundMessage everyField(String id) {
    return OutboundMessage.builder(id, "user_42", Instant.parse("2026-01-01T00:00:00.123456789Z"))
        .creatorId("creator \"9\"")
        .recipientId("fan'7")
        .content("Merci 🙂 ''\"\\ % _ \u0001\n\t 日本語")
        .mediaUrls(List.of("https://cdn.example.com/a.jpg?x='1'", "https://cdn.example.com/b.mp4"))
        .priority(Priority.HIGH)
        .workflowId("workflow-1")
        .traceId("trace-1")
        .metadata(
            Map.of(
                "text",
                "🙂\u0007",
                "number",
                42,
                "large",
                3_000_000_000L,
                "fraction",
                1.5,
                "flag",
                true,
                "list",
                Arrays.asList("a", null, List.of(), Map.of("deep", 1)),
                "empty",
                Map.of()))
        .unknownFields(Map.of("later", Map.of("version", 2)))
        .build();
  }

  private static List<String> store(FallbackStore store, int messages) {
    List<String> ids = IntStream.range(0, messages).mapToObj(i -> "message-" + i).toList();
    ids.forEach(id -> store.store(message(id, "hello"), ERROR));
    return ids;
  }

  private static List<String> ids(List<StoredMessage> messages) {
    return messages.stream().map(stored -> stored.message().messageId()).toList();
  }

  private static StoredMessage only(List<StoredMessage> messages) {
    assertThat(messages).hasSize(1);
    return messages.get(0);
  }

  /** Asks until there is something, and not for ever. */
  private static <T> List<T> await(Supplier<List<T>> question) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    List<T> answer = question.get();
    while (answer.isEmpty() && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      answer = question.get();
    }
    return answer;
  }

  /** Gathers until there are enough, and not for ever. */
  private static void until(
      Queue<StoredMessage> gathered, int enough, Supplier<List<StoredMessage>> more) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (gathered.size() < enough && System.nanoTime() < end) {
      gathered.addAll(more.get());
    }
  }

  private static void atOnce(int threads, Runnable work) throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<Object>> calls = Collections.nCopies(threads, Executors.callable(work));
      for (Future<Object> done : executor.invokeAll(calls)) {
        done.get();
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
