package com.huntaze.ratelimiter.examples.browser;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.time.Duration;

/**
 * One run of a browser, from its start to its end, with the page that sends messages.
 *
 * <p>Made by a supplier and driven by {@link BrowserGateway}, always on the same thread; only
 * {@link #kill} comes from another. A step that fails, whatever it throws, ends its use: the
 * gateway closes it and starts another. Nothing but {@link #send} may let a message leave.
 */
public interface Browser {
  /**
   * Starts the browser and loads the page.
   *
   * @param timeout how long that may take
   */
  void open(Duration timeout);

  /**
   * Puts a message into the form, over what was there.
   *
   * @param message the message
   * @param timeout how long that may take
   */
  void fill(OutboundMessage message, Duration timeout);

  /**
   * Presses the button once, and reads what the page then shows.
   *
   * @param timeout how long that may take
   * @return what it shows of the API's answer
   */
  PageAnswer send(Duration timeout);

  /**
   * Ends the browser's processes at once. Called by any thread, at any time, more than once; a step
   * under way fails soon after.
   */
  void kill();

  /** Ends the browser, whatever state it is in. */
  void close();
}
