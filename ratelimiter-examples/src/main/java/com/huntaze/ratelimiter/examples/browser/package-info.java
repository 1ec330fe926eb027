/**
 * A gateway that presses a button on a page instead of calling the API; start at {@link
 * com.huntaze.ratelimiter.examples.browser.BrowserGateway}.
 */
@NullMarked
package com.huntaze.ratelimiter.examples.browser;

import org.jspecify.annotations.NullMarked;
