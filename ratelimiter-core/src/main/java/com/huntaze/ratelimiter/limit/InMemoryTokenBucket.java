package com.huntaze.ratelimiter.limit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The bucket of one process, and the reference for all others: a strict rolling limit with bookings
 * over several scopes.
 *
 * <p>Used by the embedded topology and by tests. Thread-safe; its lock is never held while anything
 * of the caller's runs. It counts on the monotonic {@link Ticker}, so that setting the wall clock
 * changes nothing. State of scopes that have fallen idle is dropped.
 *
 * <p>Nothing is kept outside the process: after a restart the bucket starts empty. Hosts with more
 * than one process, or that restart within a window, use the Redis bucket.
 */
public final class InMemoryTokenBucket implements TokenBucket {
  private record Grant(long at) {}

  private record Booking(long slot, List<Scope> scopes) {}

  private final Map<Scope.Kind, RateLimit> limits;
  private final long guard;
  private final long grace;
  private final InstantSource clock;
  private final Ticker ticker;

  private final Object lock = new Object();
  private final LinkedHashMap<Scope, ScopeCalendar> calendars =
      new LinkedHashMap<>(16, 0.75f, true);
  private final LinkedHashMap<String, Grant> grants = new LinkedHashMap<>();
  private final Map<String, Booking> bookings = new HashMap<>();

  private InMemoryTokenBucket(Builder builder) {
    this.limits = new EnumMap<>(builder.limits);
    this.guard = micros(builder.guard);
    this.grace = micros(builder.grace);
    this.clock = builder.clock;
    this.ticker = builder.ticker;
  }

  /**
   * Starts a bucket with a limit over all calls.
   *
   * @param limit the limit of the global scope
   * @return a builder with defaults for everything else
   */
  public static Builder builder(RateLimit limit) {
    return new Builder().limit(Scope.Kind.GLOBAL, limit);
  }

  /**
   * A bucket with a limit over all calls and the defaults of the edge.
   *
   * @param limit the limit of the global scope
   * @return the bucket
   */
  public static InMemoryTokenBucket of(RateLimit limit) {
    return builder(limit).build();
  }

  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    List<Permit> answers = new ArrayList<>(requests.size());
    synchronized (lock) {
      long now = nowMicros();
      dropStale(now);
      for (PermitRequest request : requests) {
        answers.add(acquire(request, now));
      }
    }
    return answers;
  }

  @Override
  public boolean release(String id) {
    synchronized (lock) {
      return withdraw(id) != null;
    }
  }

  @Override
  public void blockFor(Scope scope, Duration duration) {
    if (limits.containsKey(scope.kind())) {
      synchronized (lock) {
        calendar(scope).block(nowMicros() + micros(duration));
      }
    }
  }

  @Override
  public BucketState state(Scope scope) {
    RateLimit limit = limits.get(scope.kind());
    if (limit == null) {
      throw new IllegalArgumentException("this bucket has no limit for scope " + scope.key());
    }
    synchronized (lock) {
      long now = nowMicros();
      ScopeCalendar calendar = calendar(scope);
      calendar.trim(now);
      dropStale(now);
      long next = calendar.earliestFree(Math.max(now, calendar.blockedUntil()));
      return new BucketState(
          scope.key(),
          calendar.tokens(now),
          limit.permits(),
          limit.permits() * 1e6 / calendar.window(),
          clock.instant(),
          calendar.booked(),
          duration(next - now));
    }
  }

  private Permit acquire(PermitRequest request, long now) {
    List<Scope> counted =
        request.scopes().stream().filter(scope -> limits.containsKey(scope.kind())).toList();
    List<ScopeCalendar> touched = counted.stream().map(this::calendar).toList();
    touched.forEach(calendar -> calendar.trim(now));

    Grant repeat = grants.get(request.id());
    if (repeat != null && now <= repeat.at + freshFor()) {
      return granted(request.id(), repeat.at, now, touched);
    }
    Booking booking = bookings.get(request.id());
    if (booking != null) {
      if (booking.slot - now > grace) {
        return booked(request.id(), booking.slot, now);
      }
      withdraw(request.id());
      long at = Math.max(now, booking.slot);
      for (ScopeCalendar calendar : touched) {
        at = Math.max(at, Math.max(calendar.recordFreeFrom(), calendar.blockedUntil()));
      }
      if (now <= booking.slot + grace && at <= booking.slot + 4 * grace) {
        return grant(request.id(), at, now, touched);
      }
    }

    long slot = earliestFree(touched, now);
    if (slot <= now) {
      return grant(request.id(), now, now, touched);
    }
    if (slot - now <= micros(request.bookingHorizon())) {
      touched.forEach(calendar -> calendar.promise(request.id(), slot));
      bookings.put(request.id(), new Booking(slot, counted));
      return booked(request.id(), slot, now);
    }
    return new Permit.Refused(request.id(), duration(slot - now));
  }

  /** The earliest instant that suits every scope: each may push it on, until none does. */
  private static long earliestFree(List<ScopeCalendar> touched, long now) {
    long t = now;
    for (ScopeCalendar calendar : touched) {
      t = Math.max(t, calendar.blockedUntil());
    }
    for (boolean moved = true; moved; ) {
      moved = false;
      for (ScopeCalendar calendar : touched) {
        long free = calendar.earliestFree(t);
        moved |= free > t;
        t = free;
      }
    }
    return t;
  }

  private Permit grant(String id, long at, long now, List<ScopeCalendar> touched) {
    touched.forEach(calendar -> calendar.grant(id, at));
    grants.remove(id);
    grants.put(id, new Grant(at));
    return granted(id, at, now, touched);
  }

  private Permit granted(String id, long at, long now, List<ScopeCalendar> touched) {
    long remaining =
        touched.stream().mapToLong(calendar -> calendar.tokens(now)).min().orElse(Long.MAX_VALUE);
    return new Permit.Granted(id, instant(at, now), duration(at - now), remaining);
  }

  private Permit booked(String id, long slot, long now) {
    return new Permit.Booked(id, instant(slot, now), duration(slot - now));
  }

  private @Nullable Booking withdraw(String id) {
    Booking booking = bookings.remove(id);
    if (booking != null) {
      booking.scopes.forEach(scope -> calendar(scope).withdraw(id, booking.slot));
    }
    return booking;
  }

  /** Forgets bookings whose holder did not come, grants nobody may repeat, and idle scopes. */
  private void dropStale(long now) {
    List<String> noShows =
        bookings.entrySet().stream()
            .filter(entry -> entry.getValue().slot + grace < now)
            .map(Map.Entry::getKey)
            .toList();
    noShows.forEach(this::withdraw);
    for (Iterator<Grant> oldest = grants.values().iterator(); oldest.hasNext(); ) {
      if (oldest.next().at + freshFor() >= now) {
        break;
      }
      oldest.remove();
    }
    Iterator<ScopeCalendar> leastUsed = calendars.values().iterator();
    for (int looked = 0; looked < 2 && leastUsed.hasNext(); looked++) {
      ScopeCalendar calendar = leastUsed.next();
      calendar.trim(now);
      if (calendar.isIdle(now)) {
        leastUsed.remove();
      }
    }
  }

  private ScopeCalendar calendar(Scope scope) {
    return calendars.computeIfAbsent(
        scope,
        key -> {
          RateLimit limit = requireNonNull(limits.get(key.kind()));
          return new ScopeCalendar(limit.permits(), micros(limit.window()) + guard);
        });
  }

  /** How long a grant may be repeated: at the edge until it is too old to be used. */
  private long freshFor() {
    return guard > 0 ? guard : grace;
  }

  private long nowMicros() {
    return ticker.nanos() / 1_000;
  }

  private Instant instant(long at, long now) {
    return clock.instant().plus(at - now, ChronoUnit.MICROS);
  }

  private static long micros(Duration duration) {
    // Rounded up: a window a microsecond short would let one call too many in.
    return Math.addExact(duration.toNanos(), 999) / 1_000;
  }

  private static Duration duration(long micros) {
    return Duration.ofNanos(Math.max(0, micros) * 1_000);
  }

  /** Sets up an {@link InMemoryTokenBucket}. Not thread-safe. */
  public static final class Builder {
    private final Map<Scope.Kind, RateLimit> limits = new EnumMap<>(Scope.Kind.class);
    private Duration guard = Duration.ofMillis(250);
    private Duration grace = Duration.ofSeconds(5);
    private InstantSource clock = InstantSource.system();
    private Ticker ticker = Ticker.system();

    private Builder() {}

    /**
     * Limits each scope of a kind. Default: only the global scope is limited.
     *
     * @param kind which scopes
     * @param limit what each of them may grant
     * @return this builder
     */
    public Builder limit(Scope.Kind kind, RateLimit limit) {
      limits.put(requireNonNull(kind, "kind"), requireNonNull(limit, "limit"));
      return this;
    }

    /**
     * What is added to every window, because calls travel: the API sees them a little later than
     * they were granted, some later than others. Default 250 ms; zero for tests of the bucket
     * alone.
     *
     * @param guard the addition, zero or more; also how long a grant stays fresh
     * @return this builder
     */
    public Builder guard(Duration guard) {
      this.guard = notNegative("guard", guard);
      return this;
    }

    /**
     * How late the holder of a booking may come and still be granted. Default 5 s.
     *
     * @param grace the lateness allowed, zero or more
     * @return this builder
     */
    public Builder grace(Duration grace) {
      this.grace = notNegative("grace", grace);
      return this;
    }

    /**
     * Where the instants of answers come from. Default: the system's clock.
     *
     * @param clock the wall clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /**
     * What the windows are measured by. Default: the monotonic clock of the JVM.
     *
     * @param ticker the monotonic clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /** {@return the bucket} */
    public InMemoryTokenBucket build() {
      return new InMemoryTokenBucket(this);
    }

    private static Duration notNegative(String name, Duration value) {
      if (requireNonNull(value, name).isNegative()) {
        throw new IllegalArgumentException(name + " must not be negative, was " + value);
      }
      return value;
    }
  }
}
