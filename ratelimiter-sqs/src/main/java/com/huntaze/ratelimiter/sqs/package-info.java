/**
 * Messages to and from Amazon SQS, standard and FIFO queues alike.
 *
 * <p>Start at {@link com.huntaze.ratelimiter.sqs.SqsMessageSink} to send and at {@link
 * com.huntaze.ratelimiter.sqs.SqsMessageSource} to receive.
 */
@NullMarked
package com.huntaze.ratelimiter.sqs;

import org.jspecify.annotations.NullMarked;
