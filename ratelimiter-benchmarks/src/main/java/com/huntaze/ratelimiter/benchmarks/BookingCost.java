package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.TokenBucket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The time Redis spends on booking an instant and on redeeming it, by its own account, when so many
 * are booked already: ten a second on each of three scopes, fifty creators, five hundred
 * recipients.
 */
final class BookingCost {
  private static final RateLimit LIMIT = RateLimit.rolling(10, Duration.ofSeconds(1));
  private static final Duration HORIZON = Duration.ofHours(12);
  private static final int[] BACKLOGS = {0, 500, 1_000, 10_000};
  private static final int CREATORS = 50;
  private static final int RECIPIENTS = 500;
  private static final int BATCH = 100;
  private static final int MEASURED_BOOKINGS = 100;
  private static final int MEASURED_REDEMPTIONS = 40;
  private static final double ASKED_MICROS = 200;

  private final MeasuredRedis redis;
  private final RedisLimiters limiters;
  private int requests;

  BookingCost(MeasuredRedis redis, RedisLimiters limiters) {
    this.redis = redis;
    this.limiters = limiters;
  }

  private record Booking(PermitRequest request, long due) {}

  private record Cost(int backlog, double book, double redeem, long redeemed) {}

  void run() throws InterruptedException {
    List<Cost> costs = new ArrayList<>();
    for (int backlog : BACKLOGS) {
      costs.add(measure(backlog));
    }
    Table table =
        Table.titled(
            "Booking and redeeming, ten a second, three scopes",
            "booked before",
            "server µs to book",
            "server µs to redeem",
            "redeemed at the first call");
    for (Cost cost : costs) {
      String redeemed = cost.redeemed + " of " + MEASURED_REDEMPTIONS;
      table.row(cost.backlog, cost.book, cost.redeem, redeemed);
    }
    Bars bars = new Bars("Booking and redeeming");
    for (Cost cost : costs) {
      String backlog = ", " + cost.backlog + " booked before";
      bars.atMost("server µs to book" + backlog, ASKED_MICROS, cost.book);
      bars.atMost("server µs to redeem" + backlog, ASKED_MICROS, cost.redeem);
    }
  }

  private Cost measure(int backlog) throws InterruptedException {
    redis.reset();
    TokenBucket bucket = limiters.bucket("backlog-" + backlog, LIMIT);
    for (int i = 0; i < LIMIT.permits(); i++) {
      bucket.tryAcquire(nextRequest());
    }
    List<Booking> bookings = new ArrayList<>();
    for (int booked = 0; booked < backlog; booked += BATCH) {
      bookings.addAll(book(bucket, BATCH));
    }
    redis.resetStatistics();
    for (int i = 0; i < MEASURED_BOOKINGS; i++) {
      bookings.addAll(book(bucket, 1));
    }
    double book = redis.serverTime().microsPerCall();

    bookings.sort(Comparator.comparingLong(Booking::due));
    redis.resetStatistics();
    long redeemed = 0;
    for (Booking booking : bookings.subList(0, MEASURED_REDEMPTIONS)) {
      TimeUnit.NANOSECONDS.sleep(booking.due - System.nanoTime());
      if (bucket.tryAcquire(booking.request) instanceof Permit.Granted) {
        redeemed++;
      }
    }
    return new Cost(backlog, book, redis.serverTime().microsPerCall(), redeemed);
  }

  private List<Booking> book(TokenBucket bucket, int count) {
    List<PermitRequest> asked = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      asked.add(nextRequest());
    }
    List<Permit> answers = bucket.tryAcquireAll(asked);
    long now = System.nanoTime();
    List<Booking> bookings = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (answers.get(i) instanceof Permit.Booked booked) {
        bookings.add(new Booking(asked.get(i), now + booked.delay().toNanos()));
      }
    }
    return bookings;
  }

  private PermitRequest nextRequest() {
    requests++;
    return PermitRequest.of(
            limiters.nextId(),
            Scope.creator("creator-" + requests % CREATORS),
            Scope.recipient("recipient-" + requests % RECIPIENTS))
        .bookingUpTo(HORIZON);
  }
}
