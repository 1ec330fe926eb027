package com.huntaze.ratelimiter.examples.browser;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.OnlyFansGateway;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers messages by filling in a form in a browser and pressing its button.
 *
 * <p>Thread-safe: callers take turns at one browser, which lives on a thread of this gateway. Give
 * its dispatcher one sender, {@code concurrency(1)}: a call that waits too long for its turn is not
 * made, and its permit is lost. One call is one press at most.
 *
 * <p>A browser that crashes, hangs or shows what it should not is ended, and another made ready at
 * once. The call it happened to fails: with an ambiguous {@link GatewayException} if the button may
 * have been pressed, otherwise with one that is not. A page that does not load fails the call
 * within its time-out. No message's text reaches an exception or the log, so what the browser
 * throws while it has one is told by its class alone.
 */
public final class BrowserGateway implements OnlyFansGateway, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BrowserGateway.class);

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);

  private final Supplier<? extends Browser> browsers;
  private final Duration freshness;
  private final Duration startTimeout;
  private final InstantSource clock;
  private final Ticker ticker;
  private final ExecutorService thread;
  private final ScheduledExecutorService watch;

  /** Written by the browser's thread alone. */
  private volatile @Nullable Browser current;

  private BrowserGateway(Builder builder) {
    this.browsers = builder.browsers;
    this.freshness = builder.freshness;
    this.startTimeout = builder.startTimeout;
    this.clock = builder.clock;
    this.ticker = builder.ticker;
    this.thread = Executors.newSingleThreadExecutor(task -> daemon(task, "browser"));
    this.watch = Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "browser-watch"));
  }

  /**
   * Starts a gateway.
   *
   * @param browsers makes a browser that is not started yet; asked for each one, on the browser's
   *     thread
   * @return a builder
   */
  public static Builder builder(Supplier<? extends Browser> browsers) {
    return new Builder(browsers);
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public boolean supports(String action) {
    return action.equals(OutboundMessage.SEND_MESSAGE);
  }

  @Override
  public GatewayResponse call(OutboundMessage message, Duration timeout) {
    Turn turn = new Turn(message, timeout, ticker);
    try {
      thread.execute(() -> take(turn));
    } catch (RejectedExecutionException e) {
      throw new GatewayException(
          "not sent: the gateway is closed, for " + message.messageId(), false, null);
    }
    return turn.await();
  }

  private void take(Turn turn) {
    if (!turn.begin() || isTooOld(turn)) {
      return;
    }
    Browser browser;
    try {
      browser = ready(turn.left());
    } catch (RuntimeException | Error e) {
      turn.notSent("the browser is not ready", e);
      return;
    }
    try {
      within(turn.left(), browser, () -> deliver(turn, browser));
    } catch (RuntimeException | Error e) {
      discard(browser); // before the caller knows, so that its next call finds another
      turn.failed("the browser failed with " + e.getClass().getName());
    }
  }

  private void deliver(Turn turn, Browser browser) {
    browser.fill(turn.message(), turn.left());
    if (isTooOld(turn) || !turn.press()) {
      return;
    }
    PageAnswer shown = browser.send(turn.left());
    if (shown.status() == 0 || !shown.messageId().equals(turn.message().messageId())) {
      throw new IllegalStateException("the page shows no answer to this message");
    }
    turn.answered(shown.toResponse(clock));
  }

  /** An old permit may share a window with the next ones. */
  private boolean isTooOld(Turn turn) {
    Duration age = turn.age();
    boolean tooOld = age.compareTo(freshness) > 0;
    if (tooOld) {
      turn.notSent("the permit was " + age.toMillis() + " ms old at the button", null);
    }
    return tooOld;
  }

  /** The browser, with the form ready to be filled in; a new one if there is none. */
  private Browser ready(Duration timeout) {
    Browser there = current;
    if (there != null) {
      return there;
    }
    Browser browser = browsers.get();
    current = browser;
    try {
      within(timeout, browser, () -> open(browser, timeout));
    } catch (RuntimeException | Error e) {
      end(browser);
      throw e;
    }
    return browser;
  }

  private void open(Browser browser, Duration timeout) {
    browser.open(timeout);
    // A first use loads classes, for which a permit leaves no time. Nothing is pressed.
    OutboundMessage sample =
        OutboundMessage.builder("warm-up", "warm-up", clock.instant())
            .recipientId("warm-up")
            .content("warm-up")
            .build();
    browser.fill(sample, timeout);
  }

  /** Takes a step, and kills the browser if that takes longer. */
  private void within(Duration timeout, Browser browser, Runnable step) {
    AtomicBoolean over = new AtomicBoolean();
    Future<?> kill =
        watch.schedule(
            () -> {
              if (over.compareAndSet(false, true)) {
                browser.kill();
              }
            },
            timeout.toNanos(),
            TimeUnit.NANOSECONDS);
    try {
      step.run();
    } finally {
      kill.cancel(false);
    }
    if (!over.compareAndSet(false, true)) {
      throw new IllegalStateException("the browser took too long and was killed");
    }
  }

  private void discard(Browser browser) {
    end(browser);
    try {
      thread.execute(this::prepare);
    } catch (RejectedExecutionException e) {
      log.debug("No other browser is started: the gateway is closed");
    }
  }

  private void end(Browser browser) {
    current = null;
    browser.kill();
    try {
      browser.close();
    } catch (RuntimeException e) {
      log.debug("A browser did not close in order: {}", e.getClass().getName());
    }
  }

  private void prepare() {
    try {
      ready(startTimeout);
    } catch (RuntimeException | Error e) {
      log.warn("No browser could be made ready; the next call tries again", e);
    }
  }

  /** Starts the browser, so that the first call finds the form loaded. */
  @Override
  public void warmUp() {
    try {
      Future<?> done = thread.submit(this::prepare);
      done.get(startTimeout.plusSeconds(1).toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException | ExecutionException | TimeoutException e) {
      log.debug("The browser could not warm up; the first call may be too late", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Ends the browser once the calls made before have ended, or after ten seconds in any case. Calls
   * made later fail. Idempotent.
   */
  @Override
  public void close() {
    try {
      thread.execute(this::quit);
    } catch (RejectedExecutionException e) {
      return;
    }
    thread.shutdown();
    try {
      if (!thread.awaitTermination(CLOSE_TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)) {
        killCurrent();
      }
    } catch (InterruptedException e) {
      killCurrent();
      Thread.currentThread().interrupt();
    }
    watch.shutdownNow();
  }

  private void quit() {
    Browser browser = current;
    if (browser != null) {
      end(browser);
    }
  }

  private void killCurrent() {
    Browser browser = current;
    if (browser != null) {
      browser.kill();
    }
  }

  /** Sets up a {@link BrowserGateway}. Not thread-safe. */
  public static final class Builder {
    private final Supplier<? extends Browser> browsers;
    private Duration freshness = Duration.ofMillis(250);
    private Duration startTimeout = Duration.ofSeconds(30);
    private InstantSource clock = InstantSource.system();
    private Ticker ticker = Ticker.system();

    private Builder(Supplier<? extends Browser> browsers) {
      this.browsers = requireNonNull(browsers, "browsers");
    }

    /**
     * How long ago a call may have been made when its button is pressed; an older one is not made.
     * Default 250 ms, the guard of a bucket. More is right only with a guard that is as long.
     *
     * @param freshness the age, more than zero
     * @return this builder
     */
    public Builder freshness(Duration freshness) {
      this.freshness = positive("freshness", freshness);
      return this;
    }

    /**
     * How long a browser may take to be ready, where no call waits for it. Default 30 s.
     *
     * @param startTimeout the time-out, more than zero
     * @return this builder
     */
    public Builder startTimeout(Duration startTimeout) {
      this.startTimeout = positive("startTimeout", startTimeout);
      return this;
    }

    /**
     * The wall clock that dates in {@code Retry-After} are compared with. Default: the system's.
     *
     * @param clock the clock
     * @return this builder
     */
    public Builder clock(InstantSource clock) {
      this.clock = requireNonNull(clock, "clock");
      return this;
    }

    /**
     * The monotonic clock that tells how old a call is. Default: the JVM's. Time-outs take real
     * time in any case.
     *
     * @param ticker the clock
     * @return this builder
     */
    public Builder ticker(Ticker ticker) {
      this.ticker = requireNonNull(ticker, "ticker");
      return this;
    }

    /** {@return the gateway; it has threads of its own, and no browser yet} */
    public BrowserGateway build() {
      return new BrowserGateway(this);
    }

    private static Duration positive(String name, Duration value) {
      if (requireNonNull(value, name).isNegative() || value.isZero()) {
        throw new IllegalArgumentException(name + " must be more than zero, was " + value);
      }
      return value;
    }
  }
}
