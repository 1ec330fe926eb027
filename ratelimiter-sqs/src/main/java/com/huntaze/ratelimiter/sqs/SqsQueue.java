package com.huntaze.ratelimiter.sqs;

import static java.util.Objects.requireNonNull;

import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.GetQueueUrlRequest;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A queue given by URL, or by a name whose URL is looked up once. Thread-safe. */
final class SqsQueue {
  private static final Pattern NAME =
      Pattern.compile("[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\\.fifo");
  private static final Pattern DEAD_LETTER_TARGET =
      Pattern.compile(
          "\"deadLetterTargetArn\"\\s*:\\s*\"arn:[^:\"]*:sqs:[^:\"]*:([^:\"]*):([^:\"]+)\"");

  private final SqsClient sqs;
  private final String name;
  private final @Nullable String account;
  private final AtomicReference<@Nullable CompletableFuture<String>> lookup =
      new AtomicReference<>();
  private volatile @Nullable String url;

  private SqsQueue(SqsClient sqs, String name, @Nullable String account, @Nullable String url) {
    this.sqs = sqs;
    this.name = name;
    this.account = account;
    this.url = url;
  }

  /**
   * A queue of the client's account, or any by URL.
   *
   * @throws IllegalArgumentException if it is neither a queue's name nor a queue's URL
   */
  static SqsQueue of(SqsClient sqs, String nameOrUrl) {
    requireNonNull(nameOrUrl, "queue");
    boolean isUrl = nameOrUrl.contains("/");
    String name = nameOrUrl.substring(nameOrUrl.lastIndexOf('/') + 1);
    if (!NAME.matcher(name).matches() || (isUrl && !isHttp(nameOrUrl))) {
      throw new IllegalArgumentException(
          "queue must be the URL of an SQS queue or a name of 1 to 80 letters, digits, - and _,"
              + " with .fifo at its end for a FIFO queue; was "
              + nameOrUrl);
    }
    return new SqsQueue(sqs, name, null, isUrl ? nameOrUrl : null);
  }

  /** The queue that a queue's redrive policy names, looked up by its name and account. */
  static Optional<SqsQueue> deadLetterQueue(
      SqsClient sqs, Map<QueueAttributeName, String> attributes) {
    String policy = attributes.getOrDefault(QueueAttributeName.REDRIVE_POLICY, "");
    Matcher target = DEAD_LETTER_TARGET.matcher(policy);
    return target.find()
        ? Optional.of(new SqsQueue(sqs, target.group(2), target.group(1), null))
        : Optional.empty();
  }

  String name() {
    return name;
  }

  boolean isFifo() {
    return name.endsWith(".fifo");
  }

  /** Its URL; takes a round trip until that has succeeded once, and throws what the SDK throws. */
  String url() {
    String known = url;
    if (known != null) {
      return known;
    }
    // One asks; those that come meanwhile share its answer, or its fault.
    CompletableFuture<String> mine = new CompletableFuture<>();
    CompletableFuture<String> asked = lookup.compareAndExchange(null, mine);
    if (asked != null) {
      return answer(asked);
    }
    try {
      known = lookUp();
      url = known;
      mine.complete(known);
      return known;
    } catch (RuntimeException | Error e) {
      mine.completeExceptionally(e);
      throw e;
    } finally {
      lookup.set(null);
    }
  }

  private String lookUp() {
    return sqs.getQueueUrl(
            GetQueueUrlRequest.builder().queueName(name).queueOwnerAWSAccountId(account).build())
        .queueUrl();
  }

  private static String answer(CompletableFuture<String> asked) {
    try {
      return asked.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException fault) {
        throw fault;
      }
      throw e;
    }
  }

  boolean isSameAs(@Nullable SqsQueue other) {
    return other != null
        && name.equals(other.name)
        && (account == null ? other.account == null : account.equals(other.account));
  }

  private static boolean isHttp(String url) {
    try {
      URI uri = URI.create(url);
      return uri.getHost() != null
          && ("https".equalsIgnoreCase(uri.getScheme())
              || "http".equalsIgnoreCase(uri.getScheme()));
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
