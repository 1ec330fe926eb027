package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.InMemorySentLog;
import com.huntaze.ratelimiter.delivery.SentLog;
import java.time.Duration;
import java.util.Map;
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
    private final InMemorySentLog log = new InMemorySentLog();

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
}
