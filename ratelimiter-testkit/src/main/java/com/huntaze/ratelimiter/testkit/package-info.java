/**
 * What the tests of this library, and of a user's own parts, run against: {@link
 * com.huntaze.ratelimiter.testkit.FakeOnlyFansApi} judges what arrived at the external API, {@link
 * com.huntaze.ratelimiter.testkit.ManualTime} is the clock, {@link
 * com.huntaze.ratelimiter.testkit.Faults} and {@link com.huntaze.ratelimiter.testkit.TcpProxy} make
 * things fail, and each {@link com.huntaze.ratelimiter.testkit.LocalService} is a real server on
 * this machine, as are {@link com.huntaze.ratelimiter.testkit.LocalRedisCluster} and {@link
 * com.huntaze.ratelimiter.testkit.LocalSentinel}; {@link com.huntaze.ratelimiter.testkit.TlsProxy}
 * puts TLS in front of one.
 *
 * <p>Start with {@link com.huntaze.ratelimiter.testkit.FakeOnlyFansApi}: every promise of the
 * library about excess, duplicates and loss is read off it.
 */
@NullMarked
package com.huntaze.ratelimiter.testkit;

import org.jspecify.annotations.NullMarked;
