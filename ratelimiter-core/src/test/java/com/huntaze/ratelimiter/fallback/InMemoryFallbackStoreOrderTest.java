package com.huntaze.ratelimiter.fallback;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** What only a store whose clock a test moves can show; the rest is the testkit's contract. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InMemoryFallbackStoreOrderTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
  private final InMemoryFallbackStore store = new InMemoryFallbackStore(now::get);

  private void store(String id, String creator) {
    store.store(OutboundMessage.builder(id, creator, Instant.EPOCH).build(), "down");
  }

  private void pass(Duration time) {
    now.updateAndGet(before -> before.plus(time));
  }

  private static List<String> ids(List<StoredMessage> claimed) {
    return claimed.stream().map(each -> each.message().messageId()).toList();
  }

  @Test
  void a_creators_later_message_waits_for_an_earlier_one_in_hand_or_in_back_off() {
    store("a1", "a");
    store("a2", "a");
    store("b1", "b");
    List<StoredMessage> first = store.claim(1, MINUTE);
    assertThat(ids(first)).containsExactly("a1");

    assertThat(ids(store.claim(10, MINUTE))).containsExactly("b1");
    store.failed(first.get(0), "down", MINUTE.multipliedBy(10));
    assertThat(store.claim(10, MINUTE)).isEmpty();
    pass(MINUTE.multipliedBy(10));
    assertThat(ids(store.claim(10, MINUTE))).containsExactly("a1", "a2", "b1");
  }

  @Test
  void a_dead_message_holds_up_nobody_and_goes_first_once_revived() {
    store("a1", "a");
    store("a2", "a");
    store.dead(store.claim(1, MINUTE).get(0), "refused");
    assertThat(ids(store.claim(10, MINUTE))).containsExactly("a2");
    assertThat(store.revive("a1")).isTrue();
    pass(MINUTE);

    List<StoredMessage> claimed = store.claim(10, MINUTE);

    assertThat(ids(claimed)).containsExactly("a1", "a2");
    assertThat(claimed.get(0).message().revival()).isEqualTo(1);
    assertThat(claimed.get(0).age()).isEqualTo(MINUTE);
  }

  @Test
  void a_creator_waits_until_the_last_of_its_messages_is_replayed_dead_or_erased() {
    for (String id : List.of("a1", "a2", "a3")) {
      store(id, "a");
    }
    Set<String> asked = Set.of("a", "b");
    List<StoredMessage> claimed = new ArrayList<>(store.claim(3, MINUTE));
    assertThat(store.waiting(asked)).containsExactly("a");
    store.replayed(claimed.subList(0, 1));
    store.dead(claimed.get(1), "refused");
    assertThat(store.waiting(asked)).containsExactly("a");
    store.eraseUser("a");
    assertThat(store.waiting(asked)).isEmpty();
    assertThat(store.release(claimed, Duration.ZERO)).isZero();
  }

  @Test
  void only_what_was_replayed_long_enough_ago_is_purged_and_a_step_at_a_time() {
    for (int i = 0; i < 5; i++) {
      store("m" + i, "u" + i);
    }
    List<StoredMessage> claimed = store.claim(4, MINUTE);
    store.replayed(claimed.subList(0, 3));
    pass(MINUTE);
    store.replayed(claimed.subList(3, 4));
    assertThat(store.purge(MINUTE, 2)).isEqualTo(2);
    assertThat(store.purge(MINUTE, 2)).isEqualTo(1);
    assertThat(store.list(StoredStatus.QUEUED, 10, 0))
        .extracting(StoredEntry::messageId)
        .containsExactly("m3");
    assertThat(store.backlog().waiting()).isEqualTo(1);
  }

  @Test
  void entries_are_listed_page_by_page_and_say_who_is_in_hand() {
    for (int i = 0; i < 3; i++) {
      store("m" + i, "u" + i);
    }
    store.claim(1, MINUTE);

    List<StoredEntry> page = store.list(StoredStatus.FAILED, 2, 0);
    List<StoredEntry> next = store.list(StoredStatus.FAILED, 2, page.get(1).position());

    assertThat(page).extracting(StoredEntry::messageId).containsExactly("m0", "m1");
    assertThat(page).extracting(StoredEntry::claimed).containsExactly(true, false);
    assertThat(page).extracting(StoredEntry::dueIn).containsExactly(MINUTE, Duration.ZERO);
    assertThat(next).extracting(StoredEntry::messageId).containsExactly("m2");
  }
}
