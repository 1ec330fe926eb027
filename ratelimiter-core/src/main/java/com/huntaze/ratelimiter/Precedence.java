package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.fallback.FallbackStore;
import com.huntaze.ratelimiter.limit.Ticker;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says whose messages would overtake earlier ones of theirs that wait in the store.
 *
 * <p>A store that cannot be asked holds up nobody: that no message is lost goes before order. Its
 * answer is waited for during a second at the most. Once it fails or is slower, it is left alone
 * for 1 s, doubling to 30 s; then one send asks, and the others go on meanwhile. While it is not
 * asked, messages go to the queue and may overtake their creators' earlier ones; none is lost.
 *
 * <p>Thread-safe. One daemon thread asks for all sends, several at once if several wait, so that a
 * store that hangs keeps that thread and no send; it ends after 10 s without work, and at the
 * close.
 */
final class Precedence implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final long FIRST_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long LONGEST_PAUSE_NANOS = Duration.ofSeconds(30).toNanos();
  private static final long IDLE_SECONDS = 10;
  private static final long NOT_NOW = -1;

  /** Why such a message does not go to the queue. */
  static final SinkResult BEHIND =
      new SinkResult.NotTaken(
          new SinkException(
              Kind.NOT_SENT,
              "behind earlier messages of its creator that wait in the store",
              null));

  private record Question(Set<String> creators, CompletableFuture<Set<String>> answer) {}

  private final @Nullable FallbackStore store;
  private final Ticker ticker;
  private final Duration patience;
  private final Queue<Question> questions = new ConcurrentLinkedQueue<>();
  private final ThreadPoolExecutor asker;
  private volatile boolean asking;

  /** Counts the times the store began to fail again, or to answer again. */
  private long era;

  private int failures;
  private long nextTrialAt;

  /**
   * Sets it up, without a thread.
   *
   * @param store who is asked; null if there is no store or no order to keep, and nobody is asked
   * @param ticker what the pauses are measured by
   * @param sendDeadline how long a send may take, of which a fifth at the most is for the question
   */
  Precedence(@Nullable FallbackStore store, Ticker ticker, Duration sendDeadline) {
    this.store = store;
    this.ticker = ticker;
    Duration part = sendDeadline.dividedBy(5);
    this.patience = part.compareTo(PATIENCE) < 0 ? part : PATIENCE;
    this.asker =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "ratelimiter-order");
              thread.setDaemon(true);
              return thread;
            });
    asker.allowCoreThreadTimeOut(true);
  }

  /** Those of the messages' creators who have earlier messages in the store. */
  Set<String> ahead(List<OutboundMessage> messages) {
    FallbackStore asked = store;
    if (asked == null || messages.isEmpty()) {
      return Set.of();
    }
    long leave = leave();
    if (leave == NOT_NOW) {
      return Set.of();
    }
    Set<String> creators =
        messages.stream().map(OutboundMessage::creator).collect(Collectors.toSet());
    Question question = new Question(creators, new CompletableFuture<>());
    questions.add(question);
    try {
      asker.execute(() -> answerAll(asked));
      Set<String> ahead = await(question.answer());
      worked(leave);
      creators.retainAll(ahead);
      return creators;
    } catch (ExecutionException e) {
      failed(leave, Fallback.describe(e.getCause() == null ? e : e.getCause()));
    } catch (TimeoutException e) {
      failed(leave, "no answer within " + patience.toMillis() + " ms");
    } catch (RejectedExecutionException e) {
      failed(leave, "the client is closed");
    }
    questions.remove(question);
    return Set.of();
  }

  /** Asks for all that wait by now, in one question. */
  @SuppressWarnings("ConstantValue") // a store of somebody else's may answer anything
  private void answerAll(FallbackStore asked) {
    List<Question> all = new ArrayList<>();
    Set<String> creators = new HashSet<>();
    for (Question next = questions.poll(); next != null; next = questions.poll()) {
      all.add(next);
      creators.addAll(next.creators());
    }
    if (all.isEmpty()) {
      return; // answered together with an earlier one
    }
    asking = true;
    try {
      Set<String> ahead = asked.waiting(creators);
      if (ahead == null) {
        throw new FallbackException("no answer", null);
      }
      Set<String> copy = Set.copyOf(ahead);
      asking = false; // first: who hears the answer may ask again at once
      all.forEach(each -> each.answer().complete(copy));
    } catch (RuntimeException | Error e) {
      asking = false;
      all.forEach(each -> each.answer().completeExceptionally(e));
    }
  }

  /** An interrupt cuts nothing short, and stays set: it is no reason to overtake anybody. */
  private Set<String> await(CompletableFuture<Set<String>> answer)
      throws ExecutionException, TimeoutException {
    Ticker real = Ticker.system();
    long end = real.nanos() + patience.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return answer.get(Math.max(0, end - real.nanos()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whether a question is under way. */
  boolean isAsking() {
    return asking;
  }

  /** The present era, or that the store is not to be asked now. */
  private synchronized long leave() {
    if (failures > 0) {
      long now = ticker.nanos();
      if (asking || now - nextTrialAt < 0) {
        return NOT_NOW;
      }
      nextTrialAt = now + 2 * patience.toNanos(); // this one's; longer than it can take
    }
    return era;
  }

  private synchronized void worked(long of) {
    if (of == era && failures > 0) {
      era++;
      failures = 0;
      log.info("The fallback store answers again, and creators' messages keep their order");
    }
  }

  /** Many may fail at once, and make one pause. */
  private synchronized void failed(long of, String why) {
    if (of != era) {
      return;
    }
    era++;
    long pause = FIRST_PAUSE_NANOS << Math.min(failures, 5);
    nextTrialAt = ticker.nanos() + Math.min(pause, LONGEST_PAUSE_NANOS);
    failures++;
    if (failures == 1) {
      log.warn(
          "The fallback store does not say who has messages in it, so that later messages may"
              + " overtake those: {}",
          why);
    }
  }

  /** Ends the thread; a question under way is interrupted. */
  @Override
  public void close() {
    asker.shutdownNow();
  }
}
