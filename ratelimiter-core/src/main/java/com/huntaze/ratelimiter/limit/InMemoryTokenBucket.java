package com.huntaze.ratelimiter.limit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The bucket of one process, and the reference for all others: strict limits with bookings over
 * several scopes.
 *
 * <p>Used by the embedded topology, by tests, and by the Redis bucket as a second belt.
 * Thread-safe; its lock is never held while anything of the caller's runs, clocks included. It
 * counts on the monotonic {@link Ticker}, so that setting the wall clock changes nothing. State of
 * scopes that have fallen idle is dropped as the bucket is used.
 *
 * <p>Nothing is kept outside the process: after a restart the bucket starts empty. Hosts with more
 * than one process, or that restart within a window, use the Redis bucket.
 */
public final class InMemoryTokenBucket implements TokenBucket {
  private static final long ANCHOR_MICROS = 1_000_000;
  private static final int DROPPED_A_CALL = 64;
  private static final int WORTH_SHRINKING = 4_096;

  private record Booking(String id, long slot, long order, List<ScopeCalendar> touched) {}

  /** What the wall clock said at a monotonic instant. */
  private record Anchor(long ticks, long wall) {
    Instant at(long tick) {
      return Micros.instant(wall + tick - ticks);
    }
  }

  private static final Comparator<Booking> BY_SLOT =
      Comparator.comparingLong(Booking::slot).thenComparingLong(Booking::order);

  private final Map<Scope.Kind, List<RateLimit>> limits;
  private final long guard;
  private final long grace;
  private final boolean hints;
  private final InstantSource clock;
  private final Ticker ticker;
  private volatile @Nullable Anchor anchor;

  /**
   * A request without an id cannot be granted before; the one thing that is read without the lock.
   */
  private volatile long closedUntil = Long.MIN_VALUE;

  private final Object lock = new Object();
  private final ScopeCalendar global;
  private final List<ScopeCalendar> onlyGlobal;
  private final GrantMemory grants;
  private final Map<String, Booking> bookings = new HashMap<>();
  private final TreeSet<Booking> bySlot = new TreeSet<>(BY_SLOT);
  private Map<Scope, ScopeCalendar> calendars = newCalendars();
  private int mostCalendars;
  private long latest = Long.MIN_VALUE;
  private long booked;

  private InMemoryTokenBucket(Builder builder) {
    this.limits = new EnumMap<>(builder.limits);
    this.guard = Micros.up(builder.guard);
    this.grace = Micros.up(builder.grace);
    this.hints = builder.hints;
    this.clock = builder.clock;
    this.ticker = builder.ticker;
    this.global = newCalendar(Scope.Kind.GLOBAL);
    this.onlyGlobal = List.of(global);
    this.grants =
        new GrantMemory(
            builder.freshFor != null ? Micros.up(builder.freshFor) : guard > 0 ? guard : grace);
  }

  /**
   * Starts a bucket with limits over all calls.
   *
   * @param limit a limit of the global scope
   * @param more further limits of it; all of them hold
   * @return a builder with defaults for everything else
   */
  public static Builder builder(RateLimit limit, RateLimit... more) {
    return new Builder().limit(Scope.Kind.GLOBAL, limit, more);
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

  /**
   * Takes a permit of the global scope for a call that has no id: it is not remembered, and cannot
   * be asked for again. A refusal takes no lock while the limit is spent.
   *
   * @return whether the call may be made now
   */
  public boolean tryAcquire() {
    long ticks = ticks();
    if (ticks < closedUntil) {
      return false;
    }
    synchronized (lock) {
      long now = passed(ticks);
      global.trim(now);
      if (global.firstFree(now) <= now) {
        global.grant(now);
        return true;
      }
      if (global.recordIsPast(now)) {
        closedUntil = global.recordFreeFrom();
      }
      return false;
    }
  }

  @Override
  public Permit tryAcquire(PermitRequest request) {
    long ticks = ticks();
    Anchor wall = anchor(ticks);
    synchronized (lock) {
      return acquire(request, passed(ticks), wall);
    }
  }

  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    List<PermitRequest> asked =
        List.copyOf(requests); // the caller's list is not touched in the lock
    long ticks = ticks();
    Anchor wall = anchor(ticks);
    List<Permit> answers = new ArrayList<>(asked.size());
    synchronized (lock) {
      long now = passed(ticks);
      for (PermitRequest request : asked) {
        answers.add(acquire(request, now, wall));
      }
    }
    return answers;
  }

  /**
   * Counts a permit that another bucket granted, if this bucket's limits leave room for it.
   * Bookings are not looked at, and the grant is never moved: the other bucket knows nothing of
   * this one.
   *
   * @param request what was granted
   * @param granted the other bucket's answer; told again, it is counted once
   * @param askedAt what this bucket's ticker said when the other one was asked, in nanoseconds; the
   *     permit is counted from then and looked at from now, so that a slow answer never stands
   *     against a later one
   * @return zero if it was counted; otherwise how long until there would be room, and it was not
   */
  public Duration countGrant(PermitRequest request, Permit.Granted granted, long askedAt) {
    String key = granted.id() + "@" + Micros.of(granted.at());
    long ticks = ticks();
    long delay = Micros.up(granted.delay());
    synchronized (lock) {
      long now = passed(ticks);
      if (grants.fresh(key, now) != null) {
        return Duration.ZERO;
      }
      List<ScopeCalendar> touched = touched(request, now);
      long held = 0;
      for (ScopeCalendar calendar : touched) {
        long use = now + delay + calendar.clockSlack();
        // Only back: of two answers the later grant's may come first.
        long free = calendar.recordFreeBehind(use);
        held = Math.max(held, free - use);
      }
      if (held > 0) {
        return Micros.duration(held);
      }
      long counted = Math.floorDiv(askedAt, 1_000) + delay;
      for (ScopeCalendar calendar : touched) {
        calendar.grant(counted);
      }
      grants.add(key, counted);
      return Duration.ZERO;
    }
  }

  @Override
  public boolean release(String id) {
    long ticks = ticks();
    synchronized (lock) {
      long now = passed(ticks);
      Booking booking = bookings.get(id);
      if (booking != null) {
        withdraw(booking, booking.slot < now);
      }
      return booking != null;
    }
  }

  @Override
  public void blockFor(Scope scope, Duration duration) {
    limitsOf(scope);
    long until = ticks() + Micros.up(duration);
    synchronized (lock) {
      calendar(scope).block(until);
    }
  }

  @Override
  public BucketState state(Scope scope) {
    List<RateLimit> scopeLimits = limitsOf(scope);
    long ticks = ticks();
    Anchor wall = anchor(ticks);
    synchronized (lock) {
      long now = passed(ticks);
      ScopeCalendar calendar = calendar(scope);
      calendar.trim(now);
      return new BucketState(
          scope.key(),
          calendar.tokens(now),
          scopeLimits.stream().mapToLong(RateLimit::permits).min().orElseThrow(),
          scopeLimits.stream()
              .mapToDouble(limit -> limit.refill() * 1e6 / (limit.windowMicros() + guard))
              .min()
              .orElseThrow(),
          wall.at(now),
          calendar.booked(),
          Micros.duration(earliestFree(List.of(calendar), now) - now),
          calendar.lost());
    }
  }

  private List<RateLimit> limitsOf(Scope scope) {
    List<RateLimit> ofKind = limits.get(scope.kind());
    if (ofKind == null) {
      throw new IllegalArgumentException("this bucket has no limit for scope " + scope.key());
    }
    return ofKind;
  }

  private Permit acquire(PermitRequest request, long now, Anchor wall) {
    List<ScopeCalendar> touched = touched(request, now);
    Long repeat = grants.fresh(request.id(), now);
    if (repeat != null) {
      return granted(request.id(), repeat, now, wall, touched);
    }
    Booking booking = bookings.isEmpty() ? null : bookings.get(request.id());
    if (booking != null) {
      if (booking.slot - now > grace) {
        return booked(booking, now, wall);
      }
      Permit redeemed = redeem(booking, request, now, wall);
      if (redeemed != null) {
        return redeemed;
      }
    }
    return fresh(request, now, wall, touched);
  }

  /**
   * Turns a promise into a grant, at an instant that keeps the record within every limit whatever
   * the lateness of those before it; null if its holder came too late, and asks anew.
   */
  private @Nullable Permit redeem(Booking booking, PermitRequest request, long now, Anchor wall) {
    long at = Math.max(now, booking.slot);
    for (ScopeCalendar calendar : booking.touched) {
      at = Math.max(at, calendar.recordFreeFrom());
    }
    if (request.isOrdered()) {
      at = Math.max(at, calendar(request.orderScope()).lastGrantedInOrder());
    }
    if (now > booking.slot + grace || at > booking.slot + 4 * grace) {
      withdraw(booking, booking.slot < now);
      return null;
    }
    bookings.remove(booking.id);
    bySlot.remove(booking);
    for (ScopeCalendar calendar : booking.touched) {
      calendar.redeem(booking.slot, at, now);
    }
    return remember(request, at, now, wall, booking.touched);
  }

  private Permit fresh(PermitRequest request, long now, Anchor wall, List<ScopeCalendar> touched) {
    long from = now;
    if (request.isOrdered()) {
      from = Math.max(from, calendar(request.orderScope()).lastPromisedInOrder());
    }
    long slot = earliestFree(touched, now, from);
    if (slot <= now) {
      return grant(request, now, now, wall, touched);
    }
    if (slot - now > Micros.up(request.bookingHorizon())) {
      return new Permit.Refused(request.id(), Micros.duration(slot - now));
    }
    Booking booking = new Booking(request.id(), slot, booked++, touched);
    for (ScopeCalendar calendar : touched) {
      calendar.promise(slot);
    }
    if (request.isOrdered()) {
      calendar(request.orderScope()).promisedInOrder(slot);
    }
    bookings.put(booking.id, booking);
    bySlot.add(booking);
    return booked(booking, now, wall);
  }

  private static long earliestFree(List<ScopeCalendar> touched, long now) {
    return earliestFree(touched, now, now);
  }

  /** The earliest instant that suits every scope: each may push it on, until none does. */
  private static long earliestFree(List<ScopeCalendar> touched, long now, long from) {
    long t = from;
    for (ScopeCalendar calendar : touched) {
      t = Math.max(t, calendar.firstFree(now));
    }
    if (t == now) {
      return now;
    }
    long before;
    do {
      before = t;
      for (ScopeCalendar calendar : touched) {
        t = calendar.earliestFree(t);
      }
    } while (t > before);
    return t;
  }

  private Permit grant(
      PermitRequest request, long at, long now, Anchor wall, List<ScopeCalendar> touched) {
    for (ScopeCalendar calendar : touched) {
      calendar.grant(at);
    }
    return remember(request, at, now, wall, touched);
  }

  private Permit remember(
      PermitRequest request, long at, long now, Anchor wall, List<ScopeCalendar> touched) {
    grants.add(request.id(), at);
    if (request.isOrdered()) {
      calendar(request.orderScope()).grantedInOrder(at);
    }
    return granted(request.id(), at, now, wall, touched);
  }

  private static Permit granted(
      String id, long at, long now, Anchor wall, List<ScopeCalendar> touched) {
    long remaining = Long.MAX_VALUE;
    for (ScopeCalendar calendar : touched) {
      remaining = Math.min(remaining, calendar.tokens(now));
    }
    return new Permit.Granted(id, wall.at(at), Micros.duration(at - now), remaining);
  }

  private static Permit booked(Booking booking, long now, Anchor wall) {
    return new Permit.Booked(
        booking.id, wall.at(booking.slot), Micros.duration(booking.slot - now));
  }

  private void withdraw(Booking booking, boolean lost) {
    bookings.remove(booking.id);
    bySlot.remove(booking);
    for (ScopeCalendar calendar : booking.touched) {
      calendar.withdraw(booking.slot);
      if (lost) {
        calendar.countLost();
      }
    }
  }

  /** The calendars of the scopes that have a limit here; the global one always does. */
  private List<ScopeCalendar> touched(PermitRequest request, long now) {
    global.trim(now);
    List<Scope> scopes = request.scopes();
    if (scopes.size() == 1 || limits.size() == 1) {
      return onlyGlobal;
    }
    List<ScopeCalendar> touched = new ArrayList<>(scopes.size());
    for (Scope scope : scopes) {
      if (limits.containsKey(scope.kind())) {
        ScopeCalendar calendar = calendar(scope);
        calendar.trim(now);
        touched.add(calendar);
      }
    }
    return touched;
  }

  private ScopeCalendar calendar(Scope scope) {
    if (scope.kind() == Scope.Kind.GLOBAL) {
      return global;
    }
    ScopeCalendar known = calendars.get(scope);
    if (known == null) {
      known = newCalendar(scope.kind());
      calendars.put(scope, known);
      mostCalendars = Math.max(mostCalendars, calendars.size());
    }
    return known;
  }

  private ScopeCalendar newCalendar(Scope.Kind kind) {
    return new ScopeCalendar(limits.getOrDefault(kind, List.of()), guard, hints);
  }

  private static Map<Scope, ScopeCalendar> newCalendars() {
    return new LinkedHashMap<>(16, 0.75f, true);
  }

  /**
   * The time of a call, never before that of an earlier one; on the way, what has become stale is
   * forgotten: bookings whose holder did not come, old grants, idle scopes.
   */
  private long passed(long ticks) {
    latest = Math.max(latest, ticks);
    grants.forgetStale(latest);
    while (!bySlot.isEmpty() && bySlot.first().slot + grace < latest) {
      withdraw(bySlot.first(), true);
    }
    if (!calendars.isEmpty()) {
      dropIdleScopes();
    }
    return latest;
  }

  private void dropIdleScopes() {
    for (int looked = 0, busy = 0; looked < DROPPED_A_CALL && busy < 2; looked++) {
      Iterator<Map.Entry<Scope, ScopeCalendar>> leastUsed = calendars.entrySet().iterator();
      if (!leastUsed.hasNext()) {
        break;
      }
      Map.Entry<Scope, ScopeCalendar> least = leastUsed.next();
      least.getValue().trim(latest);
      if (least.getValue().isIdle(latest)) {
        leastUsed.remove();
      } else {
        calendars.get(least.getKey()); // to the end, so that it hides no idle one behind it
        busy++;
      }
    }
    if (mostCalendars > WORTH_SHRINKING && calendars.size() < mostCalendars / 4) {
      Map<Scope, ScopeCalendar> smaller = newCalendars();
      smaller.putAll(calendars);
      calendars = smaller;
      mostCalendars = calendars.size();
    }
  }

  private long ticks() {
    return Math.floorDiv(ticker.nanos(), 1_000);
  }

  /** What instants are told by: the wall clock, read once a second and monotonic in between. */
  private Anchor anchor(long ticks) {
    Anchor known = anchor;
    if (known == null || ticks - known.ticks >= ANCHOR_MICROS) {
      known = new Anchor(ticks, Micros.of(clock.instant()));
      anchor = known;
    }
    return known;
  }

  /** Sets up an {@link InMemoryTokenBucket}. Not thread-safe. */
  public static final class Builder {
    private static final Duration MOST = Duration.ofHours(1);

    private final Map<Scope.Kind, List<RateLimit>> limits = new EnumMap<>(Scope.Kind.class);
    private Duration guard = Duration.ofMillis(250);
    private Duration grace = Duration.ofSeconds(5);
    private InstantSource clock = InstantSource.system();
    private Ticker ticker = Ticker.system();
    private @Nullable Duration freshFor;
    private boolean hints = true;

    private Builder() {}

    /**
     * Limits each scope of a kind, in place of any limits it had. Default: only the global scope is
     * limited.
     *
     * @param kind which scopes
     * @param limit what each of them may grant
     * @param more further limits, such as 200 an hour beside 10 a minute; all of them hold
     * @return this builder
     */
    public Builder limit(Scope.Kind kind, RateLimit limit, RateLimit... more) {
      List<RateLimit> all = new ArrayList<>(more.length + 1);
      all.add(requireNonNull(limit, "limit"));
      for (RateLimit each : more) {
        all.add(requireNonNull(each, "limit"));
      }
      limits.put(requireNonNull(kind, "kind"), List.copyOf(all));
      return this;
    }

    /**
     * What is added to every window, because calls travel: the API sees them a little later than
     * they were granted, some later than others. Default 250 ms; zero for tests of the bucket
     * alone.
     *
     * @param guard the addition, 0 to 1 h; also how long a grant stays fresh
     * @return this builder
     */
    public Builder guard(Duration guard) {
      this.guard = within("guard", guard);
      return this;
    }

    /**
     * How late the holder of a booking may come and still be granted. Default 5 s.
     *
     * @param grace the lateness allowed, 0 to 1 h
     * @return this builder
     */
    public Builder grace(Duration grace) {
      this.grace = within("grace", grace);
      return this;
    }

    /**
     * How long a grant is told again to whoever asks with its id. Default: the guard, since an
     * older permit must not be used at the edge; without a guard, the grace.
     *
     * @param freshFor the time, 0 to 1 h
     * @return this builder
     */
    public Builder freshFor(Duration freshFor) {
      this.freshFor = within("freshFor", freshFor);
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

    /** Searches without hints, to show that they change nothing but the time it takes. */
    Builder withoutHints() {
      hints = false;
      return this;
    }

    /** {@return the bucket} */
    public InMemoryTokenBucket build() {
      return new InMemoryTokenBucket(this);
    }

    private static Duration within(String name, Duration value) {
      if (requireNonNull(value, name).isNegative() || value.compareTo(MOST) > 0) {
        throw new IllegalArgumentException(name + " must be 0 to " + MOST + ", was " + value);
      }
      return value;
    }
  }
}
