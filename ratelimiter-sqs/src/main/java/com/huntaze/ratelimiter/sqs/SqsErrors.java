package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SourceException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkServiceException;

/**
 * Reads the SDK's exceptions: what is known of the message, and a description that quotes nothing
 * that was sent or received.
 *
 * <p>The SDK's own opinion, {@code retryable()}, is of no use: it is always false for SQS. Error
 * codes come in two spellings, that of the JSON protocol and that of the query protocol.
 */
final class SqsErrors {
  private static final Map<String, Kind> BY_CODE = new HashMap<>();

  static {
    codes(
        Kind.THROTTLED,
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "TransactionInProgressException",
        "SlowDown",
        "OverLimit",
        "KmsThrottled",
        "KMS.ThrottlingException");
    codes(
        Kind.MESSAGE_REFUSED,
        "InvalidMessageContents",
        "InvalidParameterValue",
        "InvalidAttributeName",
        "InvalidAttributeValue",
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong");
    codes(
        Kind.ACCESS_REFUSED,
        "AccessDenied",
        "AccessDeniedException",
        "InvalidSecurity",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDeletedRecently",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "InvalidAddress",
        "KmsAccessDenied",
        "KMS.AccessDeniedException",
        "KmsDisabled",
        "KMS.DisabledException",
        "KmsInvalidKeyUsage",
        "KMS.InvalidKeyUsageException",
        "KmsInvalidState",
        "KMS.InvalidStateException",
        "KmsNotFound",
        "KMS.NotFoundException",
        "KmsOptInRequired",
        "KMS.OptInRequired");
    codes(Kind.AMBIGUOUS, "RequestTimeout", "RequestTimeoutException");
    // A clock that is off: the SDK corrects its own from the answer, so that the next call may do.
    // Credentials that have just run out: the next call asks their provider again.
    codes(
        Kind.NOT_SENT,
        "RequestExpired",
        "RequestTimeTooSkewed",
        "RequestInTheFuture",
        "ExpiredToken",
        "ExpiredTokenException");
  }

  /** HTTP clients' exceptions are known by name, since any of the clients may be absent. */
  private static final Set<String> POOL_IS_EMPTY =
      Set.of("ConnectionPoolTimeoutException", "ConnectionRequestTimeoutException");

  private static final List<String> POOL_IS_EMPTY_TEXTS =
      List.of(
          "acquire operation took longer",
          "pending connection acquisitions",
          "pending acquisitions",
          "failed to acquire a connection");

  /** What the SDK's own providers say; ours throws an exception of its own. */
  private static final List<String> NO_CREDENTIALS_TEXTS =
      List.of(
          "unable to load credentials", "failed to load credentials", "contained no credentials");

  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._:-]{1,100}");

  private SqsErrors() {}

  private static void codes(Kind kind, String... codes) {
    for (String code : codes) {
      BY_CODE.put(code, kind);
    }
  }

  /** What a call that was to put messages says of them. */
  static SinkException notPut(SqsQueue queue, RuntimeException e) {
    return notPut(queue, kind(e), e);
  }

  /** The same for a call made before the messages were: they certainly are not in the queue. */
  static SinkException notReached(SqsQueue queue, RuntimeException e) {
    Kind kind =
        switch (kind(e)) {
          case AMBIGUOUS -> Kind.NOT_SENT;
          case MESSAGE_REFUSED -> Kind.ACCESS_REFUSED; // there was none yet that it could mean
          default -> kind(e);
        };
    return notPut(queue, kind, e);
  }

  private static SinkException notPut(SqsQueue queue, Kind kind, RuntimeException e) {
    return new SinkException(kind, "queue " + queue.name() + ": " + describe(e), Unquoted.copy(e));
  }

  /** What the answer for one entry of a batch says of it. */
  static Kind kindOfEntry(@Nullable String code, @Nullable Boolean senderFault) {
    return byCode(code)
        .orElse(Boolean.TRUE.equals(senderFault) ? Kind.ACCESS_REFUSED : Kind.NOT_SENT);
  }

  /** A failed call of a source. */
  static SourceException source(SqsQueue queue, String what, RuntimeException e) {
    return new SourceException(
        "queue " + queue.name() + ": " + what + ": " + describe(e), Unquoted.copy(e));
  }

  static Kind kind(RuntimeException e) {
    if (e instanceof SdkServiceException refusal) {
      return byCode(modelledCode(refusal))
          .or(() -> byCode(code(refusal)))
          .orElseGet(() -> byStatus(refusal.statusCode()));
    }
    for (Throwable cause : chain(e)) {
      Optional<Kind> kind = byCause(cause);
      if (kind.isPresent()) {
        return kind.get();
      }
    }
    return Kind.AMBIGUOUS;
  }

  private static Optional<Kind> byCode(@Nullable String code) {
    return code == null ? Optional.empty() : Optional.ofNullable(BY_CODE.get(code));
  }

  private static Kind byStatus(int status) {
    if (status == 429) {
      return Kind.THROTTLED;
    }
    return status >= 400 && status < 500 && status != 408 ? Kind.ACCESS_REFUSED : Kind.AMBIGUOUS;
  }

  private static Optional<Kind> byCause(Throwable cause) {
    String text = cause.getMessage() == null ? "" : cause.getMessage().toLowerCase(Locale.ROOT);
    if (POOL_IS_EMPTY.contains(cause.getClass().getSimpleName())
        || POOL_IS_EMPTY_TEXTS.stream().anyMatch(text::contains)) {
      return Optional.of(Kind.BACK_PRESSURE);
    }
    if (cause instanceof ConnectException
        || cause instanceof UnknownHostException
        || cause instanceof NoRouteToHostException
        || cause instanceof SSLHandshakeException
        || cause instanceof SSLPeerUnverifiedException
        || (cause instanceof SocketTimeoutException && text.startsWith("connect timed out"))
        || cause.getClass().getSimpleName().equals("ConnectTimeoutException")) {
      return Optional.of(Kind.NOT_SENT);
    }
    return cause instanceof NoCredentialsException
            || NO_CREDENTIALS_TEXTS.stream().anyMatch(text::contains)
        ? Optional.of(Kind.NO_CREDENTIALS)
        : Optional.empty();
  }

  /** Class, code, status and request id: never a message, which can quote what was sent. */
  static String describe(RuntimeException e) {
    if (e instanceof SdkServiceException refusal) {
      return token(code(refusal))
          + ", status "
          + refusal.statusCode()
          + ", request "
          + token(refusal.requestId());
    }
    List<String> names = new ArrayList<>();
    chain(e).forEach(cause -> names.add(cause.getClass().getSimpleName()));
    return String.join(" by ", names);
  }

  /** A code or an id as it came, unless it has a form that no code and no id has. */
  static String token(@Nullable String text) {
    return text != null && TOKEN.matcher(text).matches() ? text : "unknown";
  }

  private static @Nullable String code(SdkServiceException e) {
    return e instanceof AwsServiceException known && known.awsErrorDetails() != null
        ? known.awsErrorDetails().errorCode()
        : null;
  }

  /** The code that the class of a modelled exception stands for. */
  private static String modelledCode(SdkServiceException e) {
    return e.getClass().getSimpleName().replaceFirst("Exception$", "");
  }

  private static List<Throwable> chain(Throwable e) {
    List<Throwable> chain = new ArrayList<>();
    for (Throwable each = e; each != null && chain.size() < 10; each = each.getCause()) {
      chain.add(each);
    }
    return chain;
  }

  /** An exception's class and stack without its message. */
  private static final class Unquoted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private Unquoted(String name, @Nullable Throwable cause, StackTraceElement[] stack) {
      super(name, cause, false, true);
      setStackTrace(stack);
    }

    static @Nullable Throwable copy(Throwable e) {
      Throwable copy = null;
      List<Throwable> chain = chain(e);
      for (int i = chain.size() - 1; i >= 0; i--) {
        Throwable each = chain.get(i);
        copy = new Unquoted(each.getClass().getName(), copy, each.getStackTrace());
      }
      return copy;
    }
  }
}
