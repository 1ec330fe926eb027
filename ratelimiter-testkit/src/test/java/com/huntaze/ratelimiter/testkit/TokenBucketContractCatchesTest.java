package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract fails on buckets that break it, and on each by the test that is about its fault. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class TokenBucketContractCatchesTest {
  /** Faults a bucket may have, and the test that finds each. */
  private enum Fault {
    GRANTS_ONE_TOO_MANY("the_limit_is_granted_at_once_and_not_one_more") {
      @Override
      RateLimit limit(RateLimit limit) {
        return RateLimit.rolling(limit.permits() + 1, limit.window());
      }
    },
    OPENS_A_MICROSECOND_EARLY("a_permit_comes_free_one_window_after_its_call_and_not_before") {
      @Override
      RateLimit limit(RateLimit limit) {
        return RateLimit.rolling(limit.permits(), limit.window().minusNanos(1_000));
      }
    },
    FORGETS_IDS("a_fresh_grant_is_told_again_under_the_same_id_and_counted_once") {
      @Override
      TokenBucket bucket(TokenBucket bucket) {
        return new Altered(
            bucket, request -> PermitRequest.of(UUID.randomUUID().toString(), scopes(request)));
      }
    },
    DOES_NOT_CHECK_THE_SECOND_SCOPE("a_request_that_one_scope_refuses_is_counted_on_none") {
      @Override
      TokenBucket bucket(TokenBucket bucket) {
        return new Altered(
            bucket,
            request -> PermitRequest.of(request.id()).bookingUpTo(request.bookingHorizon()));
      }
    },
    NEVER_BOOKS("a_request_that_cannot_go_now_books_the_earliest_free_instant") {
      @Override
      TokenBucket bucket(TokenBucket bucket) {
        return new Altered(bucket, request -> request.bookingUpTo(Duration.ZERO));
      }
    },
    PROMISES_AND_DOES_NOT_HOLD("nobody_is_granted_an_instant_that_is_promised_to_another") {
      @Override
      TokenBucket bucket(TokenBucket bucket) {
        return new Altered(bucket, request -> request) {
          @Override
          public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
            List<Permit> answers = super.tryAcquireAll(requests);
            answers.forEach(answer -> bucket.release(answer.id()));
            return answers;
          }
        };
      }
    },
    IGNORES_BLOCKS("a_block_closes_the_scope_and_a_shorter_one_does_not_open_it") {
      @Override
      TokenBucket bucket(TokenBucket bucket) {
        return new Altered(bucket, request -> request) {
          @Override
          public void blockFor(Scope scope, Duration duration) {}
        };
      }
    },
    KEEPS_RELEASED_BOOKINGS("a_released_booking_is_free_for_whoever_asks_next") {
      @Override
      TokenBucket bucket(TokenBucket bucket) {
        return new Altered(bucket, request -> request) {
          private boolean released;

          @Override
          public boolean release(String id) {
            boolean first = !released;
            released = true;
            return first;
          }
        };
      }
    };

    private final String foundBy;

    Fault(String foundBy) {
      this.foundBy = foundBy;
    }

    RateLimit limit(RateLimit limit) {
      return limit;
    }

    TokenBucket bucket(TokenBucket bucket) {
      return bucket;
    }

    private static Scope[] scopes(PermitRequest request) {
      return request.scopes().toArray(Scope[]::new);
    }
  }

  /** Passes altered requests on to a good bucket, and tells the answers under the asked ids. */
  private static class Altered implements TokenBucket {
    private final TokenBucket bucket;
    private final UnaryOperator<PermitRequest> alteration;

    Altered(TokenBucket bucket, UnaryOperator<PermitRequest> alteration) {
      this.bucket = bucket;
      this.alteration = alteration;
    }

    @Override
    public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
      return new ArrayList<>(bucket.tryAcquireAll(requests.stream().map(alteration).toList()));
    }

    @Override
    public boolean release(String id) {
      return bucket.release(id);
    }

    @Override
    public void blockFor(Scope scope, Duration duration) {
      bucket.blockFor(scope, duration);
    }

    @Override
    public BucketState state(Scope scope) {
      return bucket.state(scope);
    }
  }

  private static final class Run extends TokenBucketContract {
    private final ManualTime time = new ManualTime();
    private final Fault fault;

    Run(Fault fault) {
      this.fault = fault;
    }

    @Override
    protected TokenBucket bucket(Map<Scope.Kind, List<RateLimit>> limits) {
      Map<Scope.Kind, List<RateLimit>> altered = new HashMap<>(limits);
      altered.replaceAll((kind, all) -> all.stream().map(fault::limit).toList());
      return fault.bucket(
          InMemoryTokenBucketTest.builder(altered)
              .guard(Duration.ZERO)
              .grace(GRACE)
              .clock(time)
              .ticker(time)
              .build());
    }

    @Override
    protected void pass(Duration duration) {
      time.advance(duration);
    }
  }

  @ParameterizedTest
  @EnumSource
  void each_fault_is_found_by_the_test_that_is_about_it(Fault fault) {
    assertThat(ContractRun.failure(TokenBucketContract.class, fault.foundBy, () -> new Run(fault)))
        .as(fault.foundBy)
        .containsInstanceOf(AssertionError.class);
  }

  @Test
  void a_bucket_that_grants_eleven_fails_the_any_window_test_too() {
    assertThat(
            ContractRun.failure(
                TokenBucketContract.class,
                "no_window_wherever_it_starts_holds_more_than_the_limit",
                () -> new Run(Fault.GRANTS_ONE_TOO_MANY)))
        .containsInstanceOf(AssertionError.class);
  }
}
