/**
 * From the queue to the external API: {@link com.huntaze.ratelimiter.delivery.Dispatcher} takes
 * messages when permits are due and calls the {@link
 * com.huntaze.ratelimiter.delivery.OnlyFansGateway}.
 */
@NullMarked
package com.huntaze.ratelimiter.delivery;

import org.jspecify.annotations.NullMarked;
