package com.huntaze.ratelimiter.redis;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.BucketState;
import com.huntaze.ratelimiter.limit.InMemoryTokenBucket;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.SafeEncoder;

/**
 * The limit that any number of processes share: one script on Redis decides, by Redis's own clock.
 *
 * <p>Thread-safe, as far as the Jedis client is, which stays the caller's to close. A call is one
 * round trip, bounded by the client's time-outs, which should be short: a permit is fresh for as
 * long as the guard. All keys carry one hash tag ({@code rate_limit:{onlyfans}:edge:…}), so that a
 * cluster keeps them together, and expire by themselves. Redis should be set to {@code noeviction}
 * and, with replicas, {@code min-replicas-to-write 1}.
 *
 * <p><b>Lost state:</b> a Redis that comes back empty, or a replica that takes over, may have
 * forgotten grants. The script notices by the server's run id and grants nothing for one window;
 * windows of more than a minute are taken as full and are filled with what each process remembers.
 * A first deployment is such a case, too, unless {@link ColdStart#EMPTY} is said. On top of that
 * each instance passes its own grants through a strict bucket in memory, which refuses what does
 * not fit, so that one process never exceeds the limit whatever Redis says. What no bucket can
 * know: two masters that both take writes, and a server whose clock is set forward.
 *
 * <p><b>Changed limits:</b> nothing is reset. Every limit that was used within its own window is
 * enforced beside the new one, so a fleet that is half updated is never looser than either half.
 *
 * <p><b>Failure:</b> {@link TokenBucketException} when Redis cannot be asked or answers with an
 * error; callers send nothing then. A call that timed out may have been granted all the same:
 * asking again with the same id tells. {@link WhenDown} changes that, at a price.
 */
public final class RedisTokenBucket implements TokenBucket {
  /** What an empty Redis means to an instance that has not yet spoken to it. */
  public enum ColdStart {
    /** It may have lost its state: closed for one window. The default. */
    CLOSED,
    /**
     * It is a first start: open at once. For tests, examples and a first deployment; in a fleet it
     * lets the limit through twice when Redis loses its state while instances start.
     */
    EMPTY
  }

  /** What is answered while Redis cannot be asked. */
  public enum WhenDown {
    /** A {@link TokenBucketException}: nothing is sent. The default, and the only safe one. */
    CLOSED,
    /**
     * Everything is granted and nothing is counted. <b>Danger:</b> there is no limit at all then;
     * an API that blocks accounts will.
     */
    OPEN,
    /**
     * Each process keeps the whole limit by itself, without bookings. <b>Danger:</b> a fleet of P
     * processes makes up to P times as many calls as the limit allows; only for a fleet of one, or
     * with a limit that is divided beforehand.
     */
    LOCAL
  }

  private static final Logger log = LoggerFactory.getLogger(RedisTokenBucket.class);

  private static final LuaScript SCRIPT =
      LuaScript.of(
          "bucket/1-clock.lua",
          "bucket/2-short-way.lua",
          "bucket/3-scopes.lua",
          "bucket/4-search.lua",
          "bucket/5-changes.lua",
          "bucket/6-operations.lua");
  private static final byte[] ACQUIRE = SafeEncoder.encode("acquire");
  private static final byte[] RELEASE = SafeEncoder.encode("release");
  private static final byte[] BLOCK = SafeEncoder.encode("block");
  private static final byte[] STATE = SafeEncoder.encode("state");
  private static final byte[] RECALL = SafeEncoder.encode("recall");
  private static final Pattern NAMESPACE = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  /** In place of a loss: there is a limit in force that this caller does not have. */
  private static final int NAME_ALL_SCOPES = -1;

  /** One run of the script answers no more than this; Redis is busy for a few milliseconds then. */
  private static final int MOST_A_CALL = 500;

  private final UnifiedJedis jedis;
  private final BucketSettings settings;
  private final Map<Scope.Kind, List<RateLimit>> limits;
  private final Duration guard;
  private final WhenDown whenDown;
  private final Ticker ticker;
  private final MetricsSink metrics;
  private final InMemoryTokenBucket belt;
  private final @Nullable InMemoryTokenBucket local;
  private final RecentGrants recent;
  private final boolean emptyIsFirstStart;
  private volatile boolean hasAnswered;
  private volatile long knownLoss;
  private volatile boolean isHeldByBelt;

  private RedisTokenBucket(Builder builder, String prefix) {
    this.jedis = builder.jedis;
    this.limits = new EnumMap<>(builder.limits);
    this.guard = builder.guard;
    Duration fresh = builder.isGate ? Builder.GATE_MEMORY : guard.isZero() ? builder.grace : guard;
    this.settings =
        new BucketSettings(prefix, limits, guard, builder.grace, fresh, builder.withoutRunId);
    this.whenDown = builder.whenDown;
    this.emptyIsFirstStart = builder.coldStart == ColdStart.EMPTY;
    this.ticker = builder.ticker;
    this.metrics = MetricsSink.guarded(builder.metrics);
    // Redis keeps the guard. The belt leaves it out: two clocks that run a little apart must not
    // set
    // it against a grant that was right.
    this.belt = builder.inMemory(Duration.ZERO, fresh);
    this.local = whenDown == WhenDown.LOCAL ? builder.inMemory(guard, fresh) : null;
    this.recent = new RecentGrants(settings.longestInDoubt);
  }

  /**
   * Starts a bucket.
   *
   * @param jedis a client of Redis 6.2 or newer: single, Sentinel or Cluster; not closed by the
   *     bucket
   * @return a builder; a limit is required
   */
  public static Builder builder(UnifiedJedis jedis) {
    return new Builder(jedis);
  }

  /**
   * {@inheritDoc}
   *
   * <p>More than 500 requests take a round trip for each 500.
   */
  @Override
  public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
    if (requests.size() <= MOST_A_CALL) {
      return requests.isEmpty() ? List.of() : acquire(requests);
    }
    List<Permit> permits = new ArrayList<>(requests.size());
    for (int from = 0; from < requests.size(); from += MOST_A_CALL) {
      permits.addAll(
          acquire(requests.subList(from, Math.min(requests.size(), from + MOST_A_CALL))));
    }
    return permits;
  }

  private List<Permit> acquire(List<PermitRequest> requests) {
    long asked = ticker.nanos();
    List<?> replies;
    try {
      replies = run(ACQUIRE, BucketCall.acquire(settings, requests, false));
      if (number(replies.get(0)) == NAME_ALL_SCOPES) {
        replies = run(ACQUIRE, BucketCall.acquire(settings, requests, true));
      }
    } catch (RedisDown e) {
      return withoutRedis(requests, e);
    }
    List<Permit> permits = new ArrayList<>(requests.size());
    for (int i = 0; i < requests.size(); i++) {
      permits.add(permit(requests.get(i), (List<?>) replies.get(i + 1), asked));
    }
    return permits;
  }

  @Override
  public boolean release(String id) {
    BucketCall call = new BucketCall(settings);
    call.touch(Scope.global());
    call.add(id);
    return number(run(RELEASE, call).get(1)) == 1;
  }

  /**
   * {@inheritDoc}
   *
   * <p>This process keeps the block even if Redis cannot be told.
   */
  @Override
  public void blockFor(Scope scope, Duration duration) {
    belt.blockFor(scope, duration); // refuses a scope without a limit
    if (local != null) {
      local.blockFor(scope, duration);
    }
    BucketCall call = new BucketCall(settings);
    call.touch(scope);
    call.add(BucketSettings.micros(duration));
    run(BLOCK, call);
  }

  @Override
  public BucketState state(Scope scope) {
    List<RateLimit> ofKind = limits.get(scope.kind());
    if (ofKind == null) {
      throw new IllegalArgumentException("this bucket has no limit for scope " + scope.key());
    }
    BucketCall call = new BucketCall(settings);
    call.touch(scope);
    List<?> reply = run(STATE, call);
    return new BucketState(
        settings.key(scope.key()),
        number(reply.get(2)),
        ofKind.stream().mapToLong(RateLimit::permits).min().orElseThrow(),
        ofKind.stream()
            .mapToDouble(limit -> limit.refill() * 1e9 / limit.window().plus(guard).toNanos())
            .min()
            .orElseThrow(),
        instant(reply.get(1)),
        number(reply.get(3)),
        duration(reply.get(4)),
        number(reply.get(5)));
  }

  /**
   * Asks Redis whether it keeps what it is told: a policy that evicts keys is a fault, a missing
   * {@code min-replicas-to-write} a finding. Takes two round trips.
   */
  @Override
  public List<String> check() {
    List<String> findings = new ArrayList<>(TokenBucket.super.check());
    findings.addAll(RedisInspection.findings(jedis, settings.key(Scope.global().key())));
    if (settings.withoutRunId) {
      findings.add("built withoutRunId: a Redis that lost its state may go unnoticed");
    }
    if (whenDown != WhenDown.CLOSED) {
      findings.add("whenDown is " + whenDown + ": the limit does not hold while Redis is down");
    }
    return findings;
  }

  private List<?> run(byte[] operation, BucketCall call) {
    List<byte[]> keys = call.keys();
    List<?> reply;
    try {
      boolean firstStart = emptyIsFirstStart && !hasAnswered;
      reply = (List<?>) SCRIPT.run(jedis, keys, call.args(operation, firstStart));
    } catch (JedisException e) {
      throw RedisDown.explain(jedis, keys, e);
    }
    noticeLoss(number(reply.get(0)));
    return reply;
  }

  /** Tells a Redis that has lost its state what this process remembers, once a loss. */
  private void noticeLoss(long lostAt) {
    if (lostAt <= 0 || lostAt == knownLoss) {
      hasAnswered = true;
      return;
    }
    knownLoss = lostAt;
    if (hasAnswered) {
      log.warn(
          "Redis lost its state or was replaced: {} is closed for a window", settings.key("*"));
      metrics.limiterClosed();
      recall();
    }
    hasAnswered = true;
  }

  private void recall() {
    long now = ticks();
    List<RecentGrants.Recent> all = recent.all(now);
    try {
      for (int from = 0; from < all.size(); from += MOST_A_CALL) {
        List<RecentGrants.Recent> some =
            all.subList(from, Math.min(all.size(), from + MOST_A_CALL));
        BucketCall call = new BucketCall(settings);
        call.touch(Scope.global());
        call.add(some.size());
        for (RecentGrants.Recent each : some) {
          call.add(each.id());
          call.add(now - each.at());
          call.addScopes(each.scopes(), false, false);
        }
        run(RECALL, call);
      }
    } catch (TokenBucketException e) {
      log.warn(
          "Redis could not be told what was granted; long windows stay closed longer: {}",
          e.toString());
    }
  }

  private Permit permit(PermitRequest request, List<?> reply, long asked) {
    return switch ((int) number(reply.get(0))) {
      case 1 ->
          counted(
              request,
              new Permit.Granted(
                  request.id(),
                  instant(reply.get(1)),
                  duration(reply.get(2)),
                  number(reply.get(3))),
              asked);
      case 2 -> new Permit.Booked(request.id(), instant(reply.get(1)), duration(reply.get(2)));
      default -> new Permit.Refused(request.id(), duration(reply.get(1)));
    };
  }

  /** The second belt: a grant passes a strict bucket of this process before it is handed out. */
  private Permit counted(PermitRequest request, Permit.Granted granted, long asked) {
    Duration heldFor = belt.countGrant(request, granted, asked);
    if (!heldFor.isZero()) {
      if (!isHeldByBelt) {
        isHeldByBelt = true;
        log.warn(
            "Redis grants more than the limit under {}; this process refuses", settings.key("*"));
      }
      return new Permit.Refused(request.id(), granted.delay().plus(heldFor));
    }
    isHeldByBelt = false;
    if (local != null) {
      local.countGrant(request, granted, asked);
    }
    long now = ticks(); // at the latest it was granted now: what is recalled must not be too old
    recent.add(request, now + BucketSettings.micros(granted.delay()), now);
    return granted;
  }

  private List<Permit> withoutRedis(List<PermitRequest> requests, RedisDown down) {
    return switch (whenDown) {
      case CLOSED -> throw down;
      case OPEN ->
          requests.stream()
              .<Permit>map(each -> new Permit.Granted(each.id(), Instant.now(), Duration.ZERO, 0))
              .toList();
      case LOCAL ->
          requireNonNull(local)
              .tryAcquireAll(
                  requests.stream().map(each -> each.bookingUpTo(Duration.ZERO)).toList());
    };
  }

  private long ticks() {
    return Math.floorDiv(ticker.nanos(), 1_000);
  }

  private static long number(Object reply) {
    return (Long) reply;
  }

  private static Instant instant(Object micros) {
    long at = number(micros);
    return Instant.ofEpochSecond(at / 1_000_000, at % 1_000_000 * 1_000);
  }

  private static Duration duration(Object micros) {
    return Duration.ofNanos(number(micros) * 1_000);
  }

  /** Sets up a {@link RedisTokenBucket}. Not thread-safe. */
  public static final class Builder {
    /** A message that the gate granted comes back within this if it could not be forwarded. */
    private static final Duration GATE_MEMORY = Duration.ofMinutes(15);

    private static final Duration MOST = Duration.ofHours(1);

    private final UnifiedJedis jedis;
    private final Map<Scope.Kind, List<RateLimit>> limits = new EnumMap<>(Scope.Kind.class);
    private String namespace = "onlyfans";
    private boolean isGate;
    private Duration guard = Duration.ofMillis(250);
    private Duration grace = Duration.ofSeconds(5);
    private ColdStart coldStart = ColdStart.CLOSED;
    private WhenDown whenDown = WhenDown.CLOSED;
    private boolean withoutRunId;
    private Ticker ticker = Ticker.system();
    private MetricsSink metrics = MetricsSink.NOOP;

    private Builder(UnifiedJedis jedis) {
      this.jedis = requireNonNull(jedis, "jedis");
    }

    /**
     * Limits all calls together. Required.
     *
     * @param limit what all processes together may do
     * @param more further limits, such as 200 an hour beside 10 a minute; all of them hold
     * @return this builder
     */
    public Builder limit(RateLimit limit, RateLimit... more) {
      return limit(Scope.Kind.GLOBAL, limit, more);
    }

    /**
     * Hears when the limit closes because Redis lost its state. Default: nobody.
     *
     * @param metrics who hears
     * @return this builder
     */
    public Builder metrics(MetricsSink metrics) {
      this.metrics = requireNonNull(metrics, "metrics");
      return this;
    }

    /**
     * Limits each scope of a kind, in place of any limits it had. Default: only the global scope is
     * limited.
     *
     * @param kind which scopes
     * @param limit what each of them may grant
     * @param more further limits; all of them hold
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
     * Names the external API, and so the keys: buckets of one namespace share one limit. Default
     * {@code onlyfans}.
     *
     * @param namespace 1 to 64 letters, digits, - and _
     * @return this builder
     * @throws IllegalArgumentException if it is none
     */
    public Builder namespace(String namespace) {
      if (!NAMESPACE.matcher(requireNonNull(namespace, "namespace")).matches()) {
        throw new IllegalArgumentException(
            "namespace must be 1 to 64 letters, digits, - and _, was '" + namespace + "'");
      }
      this.namespace = namespace;
      return this;
    }

    /**
     * Makes this the bucket of a gate, which plans ahead of a queue, instead of the one at the
     * edge, which guards the calls: it has keys of its own ({@code rate_limit:{onlyfans}:gate:…}),
     * and tells a grant again for 15 minutes, until the message was surely forwarded.
     *
     * @return this builder
     */
    public Builder gate() {
      isGate = true;
      return this;
    }

    /**
     * What is added to every window, because calls travel: the API sees them a little later than
     * they were granted, some later than others. Default 250 ms.
     *
     * @param guard the addition, 0 to 1 h; also how long a grant stays fresh at the edge
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
     * What an empty Redis means at this instance's first call. Default {@link ColdStart#CLOSED}.
     *
     * @param coldStart the meaning
     * @return this builder
     */
    public Builder coldStart(ColdStart coldStart) {
      this.coldStart = requireNonNull(coldStart, "coldStart");
      return this;
    }

    /**
     * What is answered while Redis cannot be asked. Default {@link WhenDown#CLOSED}.
     *
     * @param whenDown the policy
     * @return this builder
     */
    public Builder whenDown(WhenDown whenDown) {
      this.whenDown = requireNonNull(whenDown, "whenDown");
      return this;
    }

    /**
     * For a server that does not tell its run id, because the user may not run {@code INFO} or the
     * offer has none. <b>The weaker promise:</b> a Redis that comes back empty is still noticed, a
     * replica that lags and takes over is not, and may let the limit through a second time.
     *
     * @return this builder
     */
    public Builder withoutRunId() {
      withoutRunId = true;
      return this;
    }

    /**
     * What this process measures its own grants by. Default: the monotonic clock of the JVM.
     *
     * @param ticker the monotonic clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /**
     * {@return the bucket; nothing is asked of Redis yet}
     *
     * @throws IllegalStateException if no limit over all calls was set
     */
    public RedisTokenBucket build() {
      if (!limits.containsKey(Scope.Kind.GLOBAL)) {
        throw new IllegalStateException("limit must be set: what all processes together may do");
      }
      String prefix = "rate_limit:{" + namespace + "}:" + (isGate ? "gate" : "edge") + ":";
      return new RedisTokenBucket(this, prefix);
    }

    private InMemoryTokenBucket inMemory(Duration guard, Duration fresh) {
      List<RateLimit> global = requireNonNull(limits.get(Scope.Kind.GLOBAL));
      InMemoryTokenBucket.Builder builder = InMemoryTokenBucket.builder(global.get(0));
      limits.forEach(
          (kind, all) ->
              builder.limit(
                  kind, all.get(0), all.subList(1, all.size()).toArray(RateLimit[]::new)));
      return builder.guard(guard).grace(grace).freshFor(fresh).ticker(ticker).build();
    }

    private static Duration within(String name, Duration value) {
      if (requireNonNull(value, name).isNegative() || value.compareTo(MOST) > 0) {
        throw new IllegalArgumentException(name + " must be 0 to " + MOST + ", was " + value);
      }
      return value;
    }
  }
}
