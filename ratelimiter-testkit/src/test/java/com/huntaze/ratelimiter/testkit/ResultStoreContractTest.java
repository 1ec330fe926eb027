package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.ResultStore;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The contract finds stores that break it, each by the promise it breaks. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ResultStoreContractTest {
  @Test
  void a_store_with_a_shape_of_its_own_is_found() {
    ResultStoreContract contract = contract(WritesAsItLikes::new);

    assertBroken(contract::a_result_is_at_its_path_in_the_workers_shape);
    assertBroken(contract::a_failure_says_of_which_kind_it_was);
  }

  @Test
  void a_store_that_keeps_whatever_it_is_given_is_found() {
    assertBroken(contract(KnowsNoBound::new)::an_oversized_result_is_cut_and_says_so);
  }

  @Test
  void a_store_that_cleans_ids_is_found() throws Exception {
    ResultStoreContract contract = contract(CleansIds::new);

    contract.a_result_is_at_its_path_in_the_workers_shape();
    assertBroken(contract::odd_ids_are_kept_apart);
  }

  @Test
  void a_store_that_keeps_the_first_is_found() {
    assertBroken(
        contract(KeepsTheFirst::new)
            ::the_same_message_again_on_the_same_day_takes_the_place_of_what_was_there);
  }

  @Test
  void a_store_that_knows_no_days_is_found() {
    assertBroken(contract(KnowsNoDays::new)::the_same_message_on_another_day_is_kept_beside_it);
  }

  @Test
  void a_store_that_writes_in_pieces_is_found() {
    assertBroken(contract(WritesInPieces::new)::what_many_put_at_once_is_whole);
  }

  private static ResultStoreContract contract(Supplier<Right> made) {
    return new ResultStoreContract() {
      @Override
      protected ResultStore newStore() {
        return made.get();
      }

      @Override
      protected Optional<String> read(ResultStore store, String path) {
        return ((Right) store).read(path);
      }
    };
  }

  /** What a thread of the test failed with is the cause of what the test fails with. */
  private static void assertBroken(ThrowingCallable promise) {
    assertThat(catchThrowable(promise))
        .satisfiesAnyOf(
            e -> assertThat(e).isInstanceOf(AssertionError.class),
            e -> assertThat(e).hasCauseInstanceOf(AssertionError.class));
  }

  /** A right store; those below are wrong in one way each. */
  private static class Right implements ResultStore {
    final Map<String, String> texts = new ConcurrentHashMap<>();

    @Override
    public void put(DeliveryResult result) {
      texts.put(place(result.path()), text(result));
    }

    Optional<String> read(String path) {
      return Optional.ofNullable(texts.get(place(path)));
    }

    String text(DeliveryResult result) {
      return result.toJson();
    }

    String place(String path) {
      return path;
    }
  }

  private static final class WritesAsItLikes extends Right {
    @Override
    String text(DeliveryResult result) {
      return result.toString();
    }
  }

  private static final class KnowsNoBound extends Right {
    @Override
    String text(DeliveryResult result) {
      return result.response().flatMap(GatewayResponse::data).orElse("");
    }
  }

  private static final class CleansIds extends Right {
    @Override
    String place(String path) {
      return path.replaceAll("%..", "_");
    }
  }

  private static final class KeepsTheFirst extends Right {
    @Override
    public void put(DeliveryResult result) {
      texts.putIfAbsent(place(result.path()), text(result));
    }
  }

  private static final class KnowsNoDays extends Right {
    @Override
    String place(String path) {
      return path.substring("2026/11/21/".length());
    }
  }

  /** Half of one result is there until another thread has read it. */
  private static final class WritesInPieces extends Right {
    private final AtomicBoolean isBegun = new AtomicBoolean();
    private final CountDownLatch read = new CountDownLatch(1);

    @Override
    public void put(DeliveryResult result) {
      String place = place(result.path());
      if (!texts.containsKey(place)) {
        super.put(result);
      } else if (isBegun.compareAndSet(false, true)) {
        texts.put(place, text(result).substring(0, 100));
        awaitUninterruptibly(read);
        super.put(result);
      } else if (read.getCount() == 0) {
        super.put(result);
      }
    }

    @Override
    Optional<String> read(String path) {
      Optional<String> text = super.read(path);
      if (text.filter(t -> t.length() == 100).isPresent()) {
        read.countDown();
      }
      return text;
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e); // the promise was found broken, and the writers stopped
    }
  }
}
