package com.huntaze.ratelimiter.testkit;

/** A way in which {@link FaultySqs} can fail a call. The queue has the message where it says so. */
public enum SqsFault {
  /** 503 at once; the queue has nothing. */
  SERVICE_UNAVAILABLE,
  /** 500 at once; the queue has nothing. */
  INTERNAL_ERROR,
  /** 400 with the code ThrottlingException; the queue has nothing. */
  THROTTLED,
  /** 403 with the code AccessDeniedException; the queue has nothing. */
  ACCESS_DENIED,
  /** 400 with the code QueueDoesNotExist; the queue has nothing. */
  NO_SUCH_QUEUE,
  /** The connection breaks without an answer; the queue has nothing. */
  RESET_BEFORE,
  /** The connection breaks without an answer; the queue has the messages. */
  RESET_AFTER_WRITE,
  /** No answer until {@link FaultySqs#close()}; the queue has nothing. */
  HANG,
  /** No answer until {@link FaultySqs#close()}; the queue has the messages. */
  HANG_AFTER_WRITE,
  /** 200 with a body that is no JSON; the queue has the messages. */
  GARBAGE,
  /** 200 with other digests than those of what was sent; the queue has the messages. */
  MD5_MISMATCH,
  /**
   * Every third entry of a batch, the first to begin with, is answered as the sender's fault with
   * InvalidMessageContents, and the queue has the others. A call that is no batch is answered 400
   * with that code, and the queue has nothing.
   */
  PARTIAL_SENDER_FAULT,
  /**
   * Every third entry of a batch, the first to begin with, is answered as the service's fault with
   * InternalError, and the queue has the others. A call that is no batch is answered 500, and the
   * queue has nothing.
   */
  PARTIAL_SERVICE_FAULT,
  /**
   * The answer for a batch does not mention its first entry; any other answer has no message id.
   * The queue has the messages.
   */
  OMITTED_ENTRY;

  boolean hangs() {
    return this == HANG || this == HANG_AFTER_WRITE;
  }
}
