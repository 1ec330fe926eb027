package com.huntaze.ratelimiter.examples.browser;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.GatewayException;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One call's turn at the browser. Its caller and the browser's thread race for what comes of it: a
 * button that was not pressed when the caller left is never pressed. Thread-safe.
 */
final class Turn {
  private static final String NOT_SENT = "not sent: ";
  private static final String NO_ANSWER = "no answer: ";

  private enum State {
    WAITING,
    RUNNING,
    PRESSED,
    ENDED,
    GIVEN_UP
  }

  private final OutboundMessage message;
  private final Duration timeout;
  private final Ticker ticker;
  private final long start;
  private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
  private final CompletableFuture<GatewayResponse> answer = new CompletableFuture<>();

  Turn(OutboundMessage message, Duration timeout, Ticker ticker) {
    this.message = message;
    this.timeout = timeout;
    this.ticker = ticker;
    this.start = ticker.nanos();
  }

  OutboundMessage message() {
    return message;
  }

  /** How long ago the call was made. */
  Duration age() {
    return Duration.ofNanos(ticker.nanos() - start);
  }

  /** What is left of its time, never less than nothing. */
  Duration left() {
    Duration left = timeout.minus(age());
    return left.isNegative() ? Duration.ZERO : left;
  }

  /** Whether its caller still waits as the browser gets to it. */
  boolean begin() {
    return state.compareAndSet(State.WAITING, State.RUNNING);
  }

  /** Whether the button may be pressed: false once the caller has left. */
  boolean press() {
    return state.compareAndSet(State.RUNNING, State.PRESSED);
  }

  void answered(GatewayResponse response) {
    if (end(State.PRESSED)) {
      answer.complete(response);
    }
  }

  /** Ends it before the button was pressed. */
  void notSent(String why, @Nullable Throwable cause) {
    if (end(State.RUNNING)) {
      answer.completeExceptionally(new GatewayException(because(NOT_SENT, why), false, cause));
    }
  }

  /** Ends it without an answer; whether the button was pressed decides what that means. */
  void failed(String why) {
    boolean pressed = end(State.PRESSED);
    if (pressed || end(State.RUNNING)) {
      String what = pressed ? NO_ANSWER : NOT_SENT;
      answer.completeExceptionally(new GatewayException(because(what, why), pressed, null));
    }
  }

  private boolean end(State from) {
    return state.compareAndSet(from, State.ENDED);
  }

  /**
   * Waits for its end, or for its time to run out.
   *
   * @throws GatewayException if there was no answer
   */
  GatewayResponse await() {
    try {
      return get(left());
    } catch (TimeoutException e) {
      return leave("not in time");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return leave("interrupted");
    }
  }

  private GatewayResponse get(Duration within) throws InterruptedException, TimeoutException {
    try {
      return answer.get(within.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw (GatewayException) requireNonNull(e.getCause());
    }
  }

  private GatewayResponse leave(String why) {
    State was = state.getAndUpdate(now -> now == State.ENDED ? now : State.GIVEN_UP);
    return switch (was) {
      case ENDED -> ended();
      case PRESSED -> throw new GatewayException(because(NO_ANSWER, why), true, null);
      default -> throw new GatewayException(because(NOT_SENT, why), false, null);
    };
  }

  private String because(String what, String why) {
    return what + why + ", for " + message.messageId();
  }

  private GatewayResponse ended() {
    try {
      return answer.join();
    } catch (CompletionException e) {
      throw (GatewayException) requireNonNull(e.getCause());
    }
  }
}
