/**
 * Programs that show the SDK at work; start at {@link com.huntaze.ratelimiter.examples.Quickstart}.
 */
@NullMarked
package com.huntaze.ratelimiter.examples;

import org.jspecify.annotations.NullMarked;
