package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.MessageSource.NotDone;
import com.huntaze.ratelimiter.queue.NotInHandException;
import com.huntaze.ratelimiter.queue.ReceivedMessage;
import com.huntaze.ratelimiter.queue.SourceException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;

/**
 * One thing said of many messages in hand: ten a call, and of each message it is known afterwards
 * whether SQS acknowledged it. The id of an entry is its index in the call. Confined to one thread.
 *
 * <p>A failed entry is told and not tried again, whoever's fault it was: the callers know whether
 * there is still time, and whether it is worth a second call. After three failed calls in a row the
 * rest is not tried, as in a sink.
 *
 * @param <T> what is said of a message
 */
final class SqsSourceBatch<T> {
  private static final int MAX_ENTRIES = 10;
  private static final int FAILED_CALLS = 3;

  /** What SQS says of a handle whose message was deleted, shown again or received anew. */
  private static final Set<String> NOT_IN_HAND =
      Set.of(
          "MessageNotInflight",
          "AWS.SimpleQueueService.MessageNotInflight",
          "ReceiptHandleIsInvalid",
          "InvalidIdFormat",
          "InvalidParameterValue");

  /** Which entries of a call were acknowledged, and which were refused. */
  record Answer(List<String> done, List<BatchResultErrorEntry> failed) {}

  private final SqsQueue queue;
  private final String what;
  private final Function<T, ReceivedMessage> message;

  /**
   * Sets up a batch.
   *
   * @param what what could not be done if it is not
   */
  SqsSourceBatch(SqsQueue queue, String what, Function<T, ReceivedMessage> message) {
    this.queue = queue;
    this.what = what;
    this.message = message;
  }

  /**
   * Says it of all.
   *
   * @param call makes a call with some of them
   * @param done hears of each that was acknowledged
   * @return those that were not, in order
   */
  List<NotDone> run(List<T> all, Function<List<T>, Answer> call, Consumer<T> done) {
    List<NotDone> notDone = new ArrayList<>();
    int failedCalls = 0;
    for (int from = 0; from < all.size(); from += MAX_ENTRIES) {
      List<T> some = all.subList(from, Math.min(from + MAX_ENTRIES, all.size()));
      Answer answer;
      try {
        answer = call.apply(some);
      } catch (RuntimeException e) {
        // Of the whole call: no handle in particular was refused.
        SourceException fault = SqsErrors.source(queue, what, e);
        failedCalls++;
        List<T> given = failedCalls < FAILED_CALLS ? some : all.subList(from, all.size());
        given.forEach(each -> notDone.add(new NotDone(message.apply(each), fault)));
        if (failedCalls >= FAILED_CALLS) {
          break;
        }
        continue;
      }
      failedCalls = 0;
      check(some, answer, done, notDone);
    }
    return notDone;
  }

  private void check(List<T> some, Answer answer, Consumer<T> done, List<NotDone> notDone) {
    Map<String, BatchResultErrorEntry> failed = new HashMap<>();
    answer.failed().forEach(entry -> failed.put(entry.id(), entry));
    Set<String> acknowledged = new HashSet<>(answer.done());
    for (int i = 0; i < some.size(); i++) {
      String id = Integer.toString(i);
      BatchResultErrorEntry fault = failed.get(id);
      if (fault == null && acknowledged.contains(id)) {
        done.accept(some.get(i));
      } else {
        notDone.add(new NotDone(message.apply(some.get(i)), failure(fault)));
      }
    }
  }

  private SourceException failure(@Nullable BatchResultErrorEntry fault) {
    String start = "queue " + queue.name() + ": " + what + ": ";
    if (fault == null) {
      return new SourceException(start + "the answer does not say", null);
    }
    boolean senders = Boolean.TRUE.equals(fault.senderFault());
    String text = start + SqsErrors.token(fault.code()) + (senders ? "" : ", a fault of SQS");
    return senders && isNotInHand(fault.code())
        ? new NotInHandException(text, null)
        : new SourceException(text, null);
  }

  /** What a failed call says of the one message it was made for. */
  static SourceException failure(SqsQueue queue, String what, RuntimeException e) {
    SourceException failure = SqsErrors.source(queue, what, e);
    return e instanceof AwsServiceException refusal
            && refusal.awsErrorDetails() != null
            && isNotInHand(refusal.awsErrorDetails().errorCode())
        ? new NotInHandException(
            "queue " + queue.name() + ": " + what + ": " + SqsErrors.describe(e),
            failure.getCause())
        : failure;
  }

  private static boolean isNotInHand(@Nullable String code) {
    return code != null && NOT_IN_HAND.contains(code);
  }
}
