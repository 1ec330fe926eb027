/**
 * The durable parts, on a SQL database that the host has anyway: {@link
 * com.huntaze.ratelimiter.jdbc.JdbcFallbackStore} keeps the messages the queue would not take,
 * {@link com.huntaze.ratelimiter.jdbc.JdbcSentLog} remembers which messages were sent.
 */
@NullMarked
package com.huntaze.ratelimiter.jdbc;

import org.jspecify.annotations.NullMarked;
