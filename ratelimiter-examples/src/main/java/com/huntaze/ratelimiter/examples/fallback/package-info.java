/**
 * The operator's command line for stored messages; start at {@link
 * com.huntaze.ratelimiter.examples.fallback.FallbackCommand}.
 */
@NullMarked
package com.huntaze.ratelimiter.examples.fallback;

import org.jspecify.annotations.NullMarked;
