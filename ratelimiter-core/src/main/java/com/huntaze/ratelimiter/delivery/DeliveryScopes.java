package com.huntaze.ratelimiter.delivery;

import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.queue.OutboundMessage;

/** The scopes a message counts on beside the global one. */
final class DeliveryScopes {
  private DeliveryScopes() {}

  static Scope[] of(OutboundMessage message) {
    Scope creator = Scope.creator(message.creator());
    return message
        .recipientId()
        .map(recipient -> new Scope[] {creator, Scope.recipient(recipient)})
        .orElseGet(() -> new Scope[] {creator});
  }
}
