package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.SentLog;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The contract finds logs that break it, each by the promise it breaks. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SentLogContractTest {
  @Test
  void a_log_that_lets_everyone_begin_is_found() {
    SentLogContract contract = contract(LetsEveryoneBegin::new);

    assertBroken(contract::a_message_is_begun_once);
    assertBroken(contract::what_was_sent_is_sent_for_good);
    assertBroken(contract::of_many_who_begin_at_once_one_may);
  }

  @Test
  void a_log_whose_begin_is_not_atomic_is_found() throws Exception {
    SentLogContract contract = contract(LooksBeforeItBegins::new);

    contract.a_message_is_begun_once();
    assertBroken(contract::of_many_who_begin_at_once_one_may);
  }

  @Test
  void a_log_that_lets_a_doubtful_call_be_made_again_is_found() {
    SentLogContract contract = contract(NeverDoubts::new);

    assertBroken(contract::a_call_whose_lease_ended_is_in_doubt_and_stays_so);
  }

  @Test
  void a_log_that_forgets_what_was_sent_is_found() {
    SentLogContract contract = contract(ForgetsWhatWasSent::new);

    assertBroken(contract::what_was_sent_is_sent_for_good);
    assertBroken(contract::what_was_sent_without_being_begun_is_known_too);
  }

  @Test
  void a_log_that_cuts_leases_short_is_found() {
    assertBroken(contract(CutsLeases::new)::a_lease_lasts_as_long_as_was_asked_for);
  }

  @Test
  void a_log_whose_resend_lets_all_through_is_found() throws Exception {
    SentLogContract contract = contract(ResendsForAll::new);

    contract.of_many_who_begin_at_once_one_may();
    assertBroken(contract::with_resend_one_of_many_who_ask_at_once_ends_a_doubt);
  }

  @Test
  void a_log_that_does_not_count_revivals_is_found() throws Exception {
    SentLogContract blind = contract(IgnoresRevivals::new);
    assertBroken(blind::a_revival_ends_a_doubt_once);
    assertBroken(blind::of_many_copies_of_a_revived_message_one_ends_its_doubt);

    SentLogContract lax = contract(EndsDoubtsForAnyRevival::new);
    lax.of_many_copies_of_a_revived_message_one_ends_its_doubt();
    assertBroken(lax::a_revival_ends_a_doubt_once);
    assertBroken(lax::a_revival_that_is_not_a_later_one_ends_no_doubt);
  }

  @Test
  void a_log_in_which_a_revival_beats_everything_is_found() {
    SentLogContract contract = contract(BowsToRevivals::new);

    assertBroken(contract::neither_a_revival_nor_resend_goes_beside_a_call_under_way);
    assertBroken(contract::what_was_sent_is_not_sent_again_however_often_it_is_revived);
  }

  @Test
  void a_log_that_believes_a_late_holder_is_found() {
    SentLogContract contract = contract(TrustsEveryHolder::new);

    assertBroken(contract::a_holder_that_comes_back_late_ends_nobodys_call);
    assertBroken(contract::holders_that_are_nearly_the_same_are_not);
  }

  @Test
  void a_log_that_believes_only_the_last_holder_is_found() {
    assertBroken(
        contract(TrustsTheLastHolderOnly::new)
            ::what_anyone_says_is_sent_is_sent_whoever_has_begun_it_since);
  }

  @Test
  void a_log_that_purges_too_much_is_found() {
    assertBroken(contract(PurgesAll::new)::a_purge_forgets_nothing_of_late);
  }

  private static SentLogContract contract(Supplier<SentLog> log) {
    return new SentLogContract() {
      @Override
      protected SentLog newLog() {
        return log.get();
      }
    };
  }

  private static void assertBroken(ThrowingCallable promise) {
    assertThatThrownBy(promise).isInstanceOf(AssertionError.class);
  }

  /** A right log; those below are wrong in one way each. */
  private static class Right implements SentLog {
    InMemorySentLog log = new InMemorySentLog();

    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      return log.begin(claim, lease, inDoubt);
    }

    @Override
    public void sent(String messageId) {
      log.sent(messageId);
    }

    @Override
    public void notSent(Claim claim) {
      log.notSent(claim);
    }
  }

  private static final class LetsEveryoneBegin extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      return Begin.STARTED;
    }
  }

  private static final class LooksBeforeItBegins extends Right {
    private final Map<String, Boolean> seen = new ConcurrentHashMap<>();

    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      boolean free = !seen.containsKey(claim.messageId());
      LockSupport.parkNanos(100_000);
      seen.put(claim.messageId(), true);
      Begin begin = super.begin(claim, lease, inDoubt);
      return free ? Begin.STARTED : begin;
    }
  }

  private static final class NeverDoubts extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      return super.begin(claim, lease, InDoubtPolicy.RESEND);
    }
  }

  private static final class ForgetsWhatWasSent extends Right {
    @Override
    public void sent(String messageId) {
      super.notSent(SentLogContract.claim(messageId));
    }
  }

  private static final class CutsLeases extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      return super.begin(claim, lease.dividedBy(10), inDoubt);
    }
  }

  private static final class ResendsForAll extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      Begin begin = super.begin(claim, lease, InDoubtPolicy.HOLD);
      if (begin != Begin.IN_DOUBT || inDoubt == InDoubtPolicy.HOLD) {
        return begin;
      }
      LockSupport.parkNanos(100_000);
      super.begin(claim, lease, InDoubtPolicy.RESEND);
      return Begin.STARTED;
    }
  }

  private static final class IgnoresRevivals extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      return super.begin(new Claim(claim.messageId(), 0, claim.holder()), lease, inDoubt);
    }
  }

  private static final class EndsDoubtsForAnyRevival extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      return super.begin(claim, lease, claim.revival() > 0 ? InDoubtPolicy.RESEND : inDoubt);
    }
  }

  private static final class BowsToRevivals extends Right {
    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      Begin begin = super.begin(claim, lease, inDoubt);
      return claim.revival() > 0 ? Begin.STARTED : begin;
    }
  }

  private static final class TrustsEveryHolder extends Right {
    private final Map<String, Claim> last = new ConcurrentHashMap<>();

    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      Begin begin = super.begin(claim, lease, inDoubt);
      if (begin == Begin.STARTED) {
        last.put(claim.messageId(), claim);
      }
      return begin;
    }

    @Override
    public void notSent(Claim claim) {
      super.notSent(last.getOrDefault(claim.messageId(), claim));
    }
  }

  private static final class TrustsTheLastHolderOnly extends Right {
    private final Set<String> takenOver = ConcurrentHashMap.newKeySet();

    @Override
    public Begin begin(Claim claim, Duration lease, InDoubtPolicy inDoubt) {
      boolean inTheirHands = super.begin(claim, lease, InDoubtPolicy.HOLD) == Begin.IN_DOUBT;
      Begin begin = super.begin(claim, lease, inDoubt);
      if (inTheirHands && begin == Begin.STARTED) {
        takenOver.add(claim.messageId());
      }
      return begin;
    }

    @Override
    public void sent(String messageId) {
      if (!takenOver.contains(messageId)) {
        super.sent(messageId);
      }
    }
  }

  private static final class PurgesAll extends Right {
    @Override
    public void purge() {
      log = new InMemorySentLog();
    }
  }
}
