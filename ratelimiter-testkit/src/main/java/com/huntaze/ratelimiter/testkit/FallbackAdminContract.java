package com.huntaze.ratelimiter.testkit;

import static com.huntaze.ratelimiter.testkit.StoreSamples.ERROR;
import static com.huntaze.ratelimiter.testkit.StoreSamples.LONG;
import static com.huntaze.ratelimiter.testkit.StoreSamples.everyField;
import static com.huntaze.ratelimiter.testkit.StoreSamples.ids;
import static com.huntaze.ratelimiter.testkit.StoreSamples.message;
import static com.huntaze.ratelimiter.testkit.StoreSamples.only;
import static com.huntaze.ratelimiter.testkit.StoreSamples.store;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.fallback.FallbackAdmin;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.StoredEntry;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.fallback.StoredStatus;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link FallbackAdmin} promises. A test class for a store that is one extends this
 * class, beside {@link FallbackStoreContract}, and says how to make it.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class FallbackAdminContract {
  /** For subclasses. */
  protected FallbackAdminContract() {}

  /**
   * {@return a store that holds nothing, that no other test uses, and that is a FallbackAdmin}
   *
   * @throws Exception if it cannot be made; the test fails
   */
  protected abstract FallbackStore newStore() throws Exception;

  private static FallbackAdmin admin(FallbackStore store) {
    return (FallbackAdmin) store;
  }

  @Test
  void a_dead_message_is_revived_with_another_number_and_its_attempts_forgotten() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    StoredMessage failing = store.claim(2, LONG).get(0);
    OutboundMessage message = failing.message();
    store.dead(failing, "refused");

    assertThat(admin(store).revive(message.messageId())).isTrue();

    StoredMessage revived = only(store.claim(10, LONG));
    assertThat(revived.message()).isEqualTo(message.withRevival(1));
    assertThat(revived.attempts()).isZero();
    assertThat(revived.lastError()).contains("refused");
    assertThat(admin(store).revive(message.messageId())).isFalse();
    assertThat(admin(store).revive("nobody")).isFalse();

    store.dead(revived, "refused again");
    assertThat(admin(store).revive(message.messageId())).isTrue();
    assertThat(only(store.claim(10, LONG)).message().revival()).isEqualTo(2);
  }

  @Test
  void a_held_message_may_be_revived() throws Exception {
    FallbackStore store = newStore();
    store.hold(everyField("held"), "no answer");

    assertThat(admin(store).revive("held")).isTrue();

    StoredMessage revived = only(store.claim(10, LONG));
    assertThat(revived.message()).isEqualTo(everyField("held").withRevival(1));
    assertThat(revived.lastError()).contains("no answer");
  }

  @Test
  void a_message_that_was_revived_is_not_held_for_a_call_from_before() throws Exception {
    FallbackStore store = newStore();
    store.hold(everyField("held"), "no answer");
    admin(store).revive("held");

    store.hold(everyField("held"), "late");

    StoredMessage revived = only(store.claim(10, LONG));
    assertThat(revived.lastError()).contains("no answer");
    store.hold(revived.message(), "no answer again");
    assertThat(store.backlog().count(StoredStatus.DEAD)).isEqualTo(1);
    assertThat(admin(store).find("held").orElseThrow().lastError()).contains("no answer again");
  }

  @Test
  void what_was_replayed_or_waits_is_neither_revived_nor_deleted() throws Exception {
    FallbackStore store = newStore();
    store(store, 2);
    store.replayed(store.claim(1, LONG));

    for (String id : List.of("message-0", "message-1", "nobody")) {
      assertThat(admin(store).revive(id)).isFalse();
      assertThat(admin(store).delete(id)).isFalse();
    }
    assertThat(store.backlog().count(StoredStatus.QUEUED)).isEqualTo(1);
    assertThat(store.backlog().waiting()).isEqualTo(1);
  }

  @Test
  void a_dead_message_is_deleted_for_good() throws Exception {
    FallbackStore store = newStore();
    store.hold(message("held", "hello"), "no answer");

    assertThat(admin(store).delete("held")).isTrue();

    assertThat(admin(store).delete("held")).isFalse();
    assertThat(admin(store).find("held")).isEmpty();
    assertThat(store.backlog().count(StoredStatus.DEAD)).isZero();
  }

  @Test
  void messages_of_a_status_are_listed_page_by_page_in_their_order() throws Exception {
    FallbackStore store = newStore();
    List<String> stored = store(store, 25);
    store.hold(message("held", "hello"), "no answer");

    List<String> listed = new ArrayList<>();
    long after = 0;
    for (int size : List.of(10, 10, 5, 0)) {
      List<StoredEntry> page = admin(store).list(StoredStatus.FAILED, 10, after);
      assertThat(page).hasSize(size);
      page.forEach(each -> listed.add(each.messageId()));
      after = page.isEmpty() ? after : page.get(page.size() - 1).position();
    }

    assertThat(listed).isEqualTo(stored);
    assertThat(admin(store).list(StoredStatus.DEAD, 10, 0))
        .singleElement()
        .extracting(StoredEntry::messageId)
        .isEqualTo("held");
    assertThat(admin(store).list(StoredStatus.SENT, 10, 0)).isEmpty();
  }

  @Test
  void an_entry_tells_where_a_message_stands() throws Exception {
    FallbackStore store = newStore();
    store.store(everyField("a"), ERROR);

    StoredEntry waiting = admin(store).find("a").orElseThrow();
    assertThat(waiting.userId()).isEqualTo("user_42");
    assertThat(waiting.creator()).isEqualTo("creator \"9\"");
    assertThat(waiting.recipientId()).contains("fan'7");
    assertThat(waiting.priority()).isEqualTo(Priority.HIGH);
    assertThat(waiting.status()).isEqualTo(StoredStatus.FAILED);
    assertThat(waiting.lastError()).contains(ERROR);
    assertThat(waiting.storedAt()).isAfter(Instant.parse("2026-01-01T00:00:00Z"));
    assertThat(waiting.dueIn()).isEqualTo(Duration.ZERO);
    assertThat(waiting.claimed()).isFalse();

    StoredMessage claimed = only(store.claim(1, LONG));
    assertThat(admin(store).find("a").orElseThrow().claimed()).isTrue();

    store.failed(claimed, "timed out", LONG);
    StoredEntry failed = admin(store).find("a").orElseThrow();
    assertThat(failed.claimed()).isFalse();
    assertThat(failed.attempts()).isEqualTo(1);
    assertThat(failed.lastError()).contains("timed out");
    assertThat(failed.dueIn()).isPositive().isLessThanOrEqualTo(LONG);
    assertThat(failed.position()).isEqualTo(waiting.position());
    assertThat(admin(store).find("nobody")).isEmpty();
  }

  @Test
  void a_message_is_read_whole() throws Exception {
    FallbackStore store = newStore();
    store.hold(everyField("held"), "no answer");

    assertThat(admin(store).read("held")).contains(everyField("held"));
    admin(store).revive("held");
    assertThat(admin(store).read("held").map(OutboundMessage::revival)).contains(1);
    assertThat(admin(store).read("nobody")).isEmpty();
  }

  @Test
  void all_of_a_users_messages_are_erased_and_no_one_elses() throws Exception {
    FallbackStore store = newStore();
    IntStream.range(0, 1_200).forEach(i -> store.store(of("user_1", "fan_1", "m" + i), ERROR));
    store.store(of("user_2", "fan_1", "other"), ERROR);
    store.replayed(store.claim(3, LONG));
    store.hold(of("user_1", "fan_2", "held"), "no answer");

    assertThat(admin(store).eraseUser("user_1")).isEqualTo(1_201);

    assertThat(admin(store).eraseUser("user_1")).isZero();
    assertThat(admin(store).find("m0")).isEmpty();
    assertThat(admin(store).find("held")).isEmpty();
    assertThat(admin(store).find("other")).isPresent();
    assertThat(ids(store.claim(10, LONG))).containsExactly("other");
  }

  @Test
  void all_of_a_recipients_messages_are_erased_and_a_claim_of_one_is_void() throws Exception {
    FallbackStore store = newStore();
    store.store(of("user_1", "fan_1", "a"), ERROR);
    store.store(of("user_2", "fan_1", "b"), ERROR);
    store.store(of("user_2", "fan_2", "c"), ERROR);
    List<StoredMessage> claimed = store.claim(10, LONG);

    assertThat(admin(store).eraseRecipient("fan_1")).isEqualTo(2);

    assertThat(store.replayed(claimed)).isEqualTo(1);
    assertThat(admin(store).find("c").map(StoredEntry::status))
        .isEqualTo(Optional.of(StoredStatus.QUEUED));
  }

  private static OutboundMessage of(String user, String recipient, String id) {
    return OutboundMessage.builder(id, user, Instant.parse("2026-01-01T00:00:00Z"))
        .recipientId(recipient)
        .content("hello")
        .build();
  }
}
