package com.huntaze.ratelimiter.testkit;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.limit.Ticker;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * An HTTP server that stands for the external API and judges what the library did to it.
 *
 * <p>Tests start one, point a gateway at {@link #baseUri()} and afterwards ask whether any window
 * held more calls than the limit ({@link #checkLimit()}), whether a fan got a message twice ({@link
 * #duplicates()}) and whether one is missing ({@link #delivered(String)}). The one endpoint is
 * {@code POST /chats/{recipientId}/messages} with the message's id in the header {@code
 * Idempotency-Key} and the creator's in {@code X-Creator-Id}. Each request to it is one call,
 * whatever becomes of it; any other request is answered 404 and listed by {@link #unexpected()}.
 *
 * <p>The server keeps its own strict rolling limit, 10 calls a minute by default. A call over it is
 * answered 429 with {@code Retry-After}, delivers nothing, and counts as an arrival like any other.
 * A repeated id is delivered again: unlike a kind API, this one forgives no duplicate. A call
 * without an id is answered 400.
 *
 * <p>Thread-safe. Times of arrival are nanoseconds of the server's own monotonic clock, taken
 * before a request's body is read. The server listens on 127.0.0.1, on a port of its own; its
 * threads are daemons and end with {@link #close()}.
 */
public final class FakeOnlyFansApi implements AutoCloseable {
  private final RollingWindow limit;
  private final CallLog log;
  private final ApiServer server;

  private FakeOnlyFansApi(Builder builder) {
    this.limit = new RollingWindow(builder.calls, builder.window);
    this.log = new CallLog(limit);
    this.server = ApiServer.start(log, builder.latency, builder.ticker);
  }

  /** {@return a running server with every default: 10 calls a minute, no latency} */
  public static FakeOnlyFansApi start() {
    return builder().start();
  }

  /** {@return a builder with every default} */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * {@return where the server answers, without a slash at the end: {@code http://127.0.0.1:port}}
   */
  public URI baseUri() {
    return server.baseUri();
  }

  /**
   * Makes the next calls fail, one after the other, after those already planned. A call over the
   * limit is answered 429 and leaves the plan as it is.
   *
   * @param calls how many
   * @param fault how each of them fails
   */
  public void failNext(int calls, ApiFault fault) {
    requireNonNull(fault, "fault");
    log.plan(plan -> plan.failNext(calls, fault));
  }

  /**
   * Makes every call fail that matches, until {@link #heal()}; of several plans the first that
   * matches counts, and those of {@link #failNext} come before all of them.
   *
   * @param which tells which calls; it sees them with status 200 and must be quick
   * @param fault how each of them fails
   */
  public void failWhen(Predicate<ApiCall> which, ApiFault fault) {
    requireNonNull(which, "which");
    requireNonNull(fault, "fault");
    log.plan(plan -> plan.failWhen(which, fault));
  }

  /** Forgets every planned fault: calls succeed again. What was recorded stays. */
  public void heal() {
    log.plan(FaultPlan::heal);
  }

  /** {@return every call so far, in the order of arrival} */
  public List<ApiCall> calls() {
    return log.calls();
  }

  /**
   * {@return the calls that brought a fan a message, in the order of delivery, duplicates included}
   */
  public List<ApiCall> deliveries() {
    return log.deliveries();
  }

  /**
   * {@return whether a fan got this message}
   *
   * @param messageId the message's id
   */
  public boolean delivered(String messageId) {
    return log.body(messageId).isPresent();
  }

  /**
   * {@return the request body of the latest delivery of this message}
   *
   * @param messageId the message's id
   */
  public Optional<String> body(String messageId) {
    return log.body(messageId);
  }

  /** {@return the ids of messages that were delivered more than once, each once} */
  public List<String> duplicates() {
    return log.duplicates();
  }

  /**
   * {@return the ids of one creator's messages in the order of delivery}
   *
   * @param creatorId the creator's id
   */
  public List<String> order(String creatorId) {
    return deliveries().stream()
        .filter(call -> call.creatorId().equals(creatorId))
        .map(ApiCall::messageId)
        .toList();
  }

  /**
   * Waits until a number of different messages has been delivered.
   *
   * @param messages how many
   * @param timeout how long to wait at most
   * @return whether they were delivered in time; {@code false} also when the thread is interrupted,
   *     whose flag is then set again
   */
  public boolean awaitDeliveries(int messages, Duration timeout) {
    return log.awaitDeliveries(messages, timeout);
  }

  /**
   * Waits until a number of calls has arrived, whatever became of them.
   *
   * @param calls how many
   * @param timeout how long to wait at most
   * @return whether they arrived in time; {@code false} also when the thread is interrupted, whose
   *     flag is then set again
   */
  public boolean awaitCalls(int calls, Duration timeout) {
    return log.awaitCalls(calls, timeout);
  }

  /** {@return how many calls were answered 429, by the limit or by a planned fault} */
  public int rejected429() {
    return (int) calls().stream().filter(call -> call.status() == 429).count();
  }

  /**
   * {@return the time from the first call's arrival to the last one's; zero with fewer than two}
   */
  public Duration span() {
    List<ApiCall> calls = calls();
    return calls.isEmpty()
        ? Duration.ZERO
        : Duration.ofNanos(
            calls.get(calls.size() - 1).arrivalNanos() - calls.get(0).arrivalNanos());
  }

  /** {@return the most calls that arrived in any window of the server's own length} */
  public int maxCallsInAnyWindow() {
    return maxCallsInAnyWindow(limit.window());
  }

  /**
   * {@return the most calls that arrived in any window} Exact: a window is half open, so a call
   * exactly one length after another is not in one with it.
   *
   * @param window the length
   */
  public int maxCallsInAnyWindow(Duration window) {
    return maxCallsInAnyWindow(window, call -> true);
  }

  /**
   * {@return the most calls of some kind that arrived in any window}
   *
   * @param window the length
   * @param which tells which calls count, such as those of one creator
   */
  public int maxCallsInAnyWindow(Duration window, Predicate<ApiCall> which) {
    return Windows.fullest(calls().stream().filter(which).toList(), window).size();
  }

  /**
   * Fails unless the server's own limit was kept.
   *
   * @throws AssertionError with the fullest window and the calls in it
   */
  public void checkLimit() {
    checkLimit(limit.calls(), limit.window());
  }

  /**
   * Fails unless no window held more calls than are allowed.
   *
   * @param allowed the most calls a window may hold
   * @param window the length of a window
   * @throws AssertionError with the fullest window and the calls in it
   */
  public void checkLimit(int allowed, Duration window) {
    Windows.check(calls(), allowed, window);
  }

  /** {@return method and path of each request that was no call, in the order of arrival} */
  public List<String> unexpected() {
    return log.unexpected();
  }

  /**
   * Stops the server: connections are closed, answers kept back are dropped, threads end. What was
   * recorded can still be read. Closing again does nothing.
   */
  @Override
  public void close() {
    server.close();
  }

  /** Says how a {@link FakeOnlyFansApi} behaves, then starts it. Not thread-safe. */
  public static final class Builder {
    private int calls = 10;
    private Duration window = Duration.ofMinutes(1);
    private Duration latency = Duration.ZERO;
    private Ticker ticker = Ticker.system();

    private Builder() {}

    /**
     * Sets the limit that the server keeps; 10 calls a minute by default.
     *
     * @param newCalls the most calls in any window, at least 1
     * @param newWindow the length of a window, more than zero
     * @return this builder
     */
    public Builder limit(int newCalls, Duration newWindow) {
      if (newCalls < 1) {
        throw new IllegalArgumentException("calls must be at least 1: " + newCalls);
      }
      if (newWindow.isZero() || newWindow.isNegative()) {
        throw new IllegalArgumentException("window must be more than zero: " + newWindow);
      }
      this.calls = newCalls;
      this.window = newWindow;
      return this;
    }

    /**
     * Sets how long the server takes to answer a call; not at all by default. A message is
     * delivered before this time begins, so a caller that gives up early has sent it all the same.
     *
     * @param newLatency the time
     * @return this builder
     */
    public Builder latency(Duration newLatency) {
      this.latency = requireNonNull(newLatency, "latency");
      return this;
    }

    /**
     * Sets the clock that times arrivals; the JVM's by default. A test of a window's exact edge
     * hands in a {@link ManualTime}. Latency and hanging answers take real time in any case.
     *
     * @param newTicker the clock
     * @return this builder
     */
    public Builder ticker(Ticker newTicker) {
      this.ticker = requireNonNull(newTicker, "ticker");
      return this;
    }

    /**
     * {@return a running server}
     *
     * @throws java.io.UncheckedIOException if it cannot listen on 127.0.0.1
     */
    public FakeOnlyFansApi start() {
      return new FakeOnlyFansApi(this);
    }
  }
}
