/**
 * Where accepted messages wait: sinks take them, sources hand them out.
 *
 * <p>Start at {@link com.huntaze.ratelimiter.queue.MessageSink} and {@link
 * com.huntaze.ratelimiter.queue.OutboundMessage}.
 */
@NullMarked
package com.huntaze.ratelimiter.queue;

import org.jspecify.annotations.NullMarked;
