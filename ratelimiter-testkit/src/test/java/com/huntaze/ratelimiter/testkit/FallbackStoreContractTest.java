package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.fallback.FallbackBacklog;
import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.fallback.InMemoryFallbackStore;
import com.huntaze.ratelimiter.fallback.StoredMessage;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The contract finds stores that break it, each by the promise it breaks. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FallbackStoreContractTest {
  @Test
  void a_store_that_hands_a_message_to_two_claimers_is_found() {
    FallbackStoreContract contract = contract(HandsOutTwice::new);

    assertBroken(contract::what_is_claimed_is_not_handed_out_again);
    assertBroken(contract::many_claimers_at_once_get_each_message_once);
  }

  @Test
  void a_store_that_hands_a_message_to_two_claimers_at_once_is_found() throws Exception {
    FallbackStoreContract contract = contract(LooksBeforeItLeases::new);

    contract.what_is_claimed_is_not_handed_out_again();
    assertBroken(contract::many_claimers_at_once_get_each_message_once);
  }

  @Test
  void a_store_that_lets_a_late_holder_settle_is_found() {
    FallbackStoreContract contract = contract(TrustsEveryHolder::new);

    assertBroken(contract::a_lapsed_claim_is_handed_out_again_and_its_holder_is_too_late);
  }

  @Test
  void a_store_without_a_back_off_is_found() {
    FallbackStoreContract contract = contract(NeverBacksOff::new);

    assertBroken(contract::a_failed_message_waits_out_its_back_off);
  }

  @Test
  void a_store_that_drops_the_second_of_two_messages_is_found() {
    FallbackStoreContract contract = contract(KeepsTheFirst::new);

    assertBroken(contract::another_message_under_the_same_id_is_refused);
  }

  @Test
  void a_store_that_replays_what_is_held_is_found() {
    FallbackStoreContract contract = contract(HoldsNothing::new);

    assertBroken(contract::a_held_message_is_dead_from_the_start);
  }

  @Test
  void a_store_that_replays_what_waits_although_it_is_held_is_found() throws Exception {
    FallbackStoreContract contract = contract(HoldsOnlyTheNew::new);

    contract.a_held_message_is_dead_from_the_start();
    assertBroken(contract::a_message_that_waits_is_dead_once_it_is_held_whoever_has_claimed_it);
  }

  @Test
  void a_store_that_starts_with_the_youngest_is_found() {
    FallbackStoreContract contract = contract(YoungestFirst::new);

    assertBroken(contract::the_oldest_are_claimed_first_and_no_more_than_asked_for);
  }

  @Test
  void a_store_that_lets_a_creators_messages_overtake_is_found() {
    FallbackStoreContract contract = contract(KnowsNoCreators::new);

    assertBroken(contract::a_creators_message_waits_while_an_earlier_one_is_with_another_claimer);
    assertBroken(contract::a_creators_messages_wait_behind_one_that_backs_off);
    assertBroken(contract::creators_with_waiting_messages_are_told_whoever_holds_them);
  }

  @Test
  void a_store_that_counts_an_attempt_where_none_was_made_is_found() {
    FallbackStoreContract contract = contract(CountsReleases::new);

    assertBroken(contract::what_a_claimer_gives_back_is_due_and_counts_no_attempt);
  }

  @Test
  void a_store_that_purges_in_one_great_step_is_found() {
    FallbackStoreContract contract = contract(PurgesAll::new);

    assertBroken(contract::what_was_replayed_is_purged_in_small_steps_and_what_waits_stays);
  }

  private static FallbackStoreContract contract(Supplier<FallbackStore> store) {
    return new FallbackStoreContract() {
      @Override
      protected FallbackStore newStore() {
        return store.get();
      }
    };
  }

  private static void assertBroken(ThrowingCallable promise) {
    assertThatThrownBy(promise).isInstanceOf(AssertionError.class);
  }

  /** A right store; those below are wrong in one way each. */
  private static class Right implements FallbackStore {
    private final InMemoryFallbackStore store = new InMemoryFallbackStore();

    @Override
    public void store(OutboundMessage message, String error) {
      store.store(message, error);
    }

    @Override
    public void hold(OutboundMessage message, String reason) {
      store.hold(message, reason);
    }

    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      return store.claim(max, lease);
    }

    @Override
    public int replayed(List<StoredMessage> claimed) {
      return store.replayed(claimed);
    }

    @Override
    public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
      return store.failed(claimed, error, retryIn);
    }

    @Override
    public boolean dead(StoredMessage claimed, String error) {
      return store.dead(claimed, error);
    }

    @Override
    public int release(List<StoredMessage> claimed, Duration retryIn) {
      return store.release(claimed, retryIn);
    }

    @Override
    public Set<String> waiting(Set<String> creators) {
      return store.waiting(creators);
    }

    @Override
    public int purge(Duration age, int max) {
      return store.purge(age, max);
    }

    @Override
    public FallbackBacklog backlog() {
      return store.backlog();
    }
  }

  private static final class HandsOutTwice extends Right {
    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      return super.claim(max, Duration.ZERO);
    }
  }

  private static final class LooksBeforeItLeases extends Right {
    private final Set<String> leased = ConcurrentHashMap.newKeySet();

    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      List<StoredMessage> free =
          super.claim(Integer.MAX_VALUE, Duration.ZERO).stream()
              .filter(stored -> !leased.contains(stored.message().messageId()))
              .limit(max)
              .toList();
      LockSupport.parkNanos(100_000);
      free.forEach(stored -> leased.add(stored.message().messageId()));
      return free;
    }

    @Override
    public int replayed(List<StoredMessage> claimed) {
      return claimed.size();
    }
  }

  private static final class TrustsEveryHolder extends Right {
    private final Map<String, StoredMessage> latest = new ConcurrentHashMap<>();

    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      List<StoredMessage> claimed = super.claim(max, lease);
      claimed.forEach(stored -> latest.put(stored.message().messageId(), stored));
      return claimed;
    }

    @Override
    public int replayed(List<StoredMessage> claimed) {
      return super.replayed(
          claimed.stream().map(stored -> latest.get(stored.message().messageId())).toList());
    }
  }

  private static final class NeverBacksOff extends Right {
    @Override
    public boolean failed(StoredMessage claimed, String error, Duration retryIn) {
      return super.failed(claimed, error, Duration.ZERO);
    }
  }

  private static final class KeepsTheFirst extends Right {
    @Override
    public void store(OutboundMessage message, String error) {
      try {
        super.store(message, error);
      } catch (FallbackException e) {
        // and says nothing
      }
    }
  }

  private static final class HoldsNothing extends Right {
    @Override
    public void hold(OutboundMessage message, String reason) {
      store(message, reason);
    }
  }

  private static final class HoldsOnlyTheNew extends Right {
    private final Set<String> stored = ConcurrentHashMap.newKeySet();

    @Override
    public void store(OutboundMessage message, String error) {
      super.store(message, error);
      stored.add(message.messageId());
    }

    @Override
    public void hold(OutboundMessage message, String reason) {
      if (!stored.contains(message.messageId())) {
        super.hold(message, reason);
      }
    }
  }

  private static final class YoungestFirst extends Right {
    @Override
    public List<StoredMessage> claim(int max, Duration lease) {
      List<StoredMessage> claimed = new ArrayList<>(super.claim(max, lease));
      Collections.reverse(claimed);
      return claimed;
    }
  }

  private static final class KnowsNoCreators extends Right {
    @Override
    public void store(OutboundMessage message, String error) {
      super.store(
          OutboundMessage.builder(message.messageId(), message.userId(), message.timestamp())
              .creatorId("creator of " + message.messageId())
              .content(message.content().orElseThrow())
              .recipientId(message.recipientId().orElseThrow())
              .build(),
          error);
    }
  }

  private static final class CountsReleases extends Right {
    @Override
    public int release(List<StoredMessage> claimed, Duration retryIn) {
      return (int) claimed.stream().filter(each -> failed(each, "released", retryIn)).count();
    }
  }

  private static final class PurgesAll extends Right {
    @Override
    public int purge(Duration age, int max) {
      return super.purge(age, Integer.MAX_VALUE);
    }
  }
}
