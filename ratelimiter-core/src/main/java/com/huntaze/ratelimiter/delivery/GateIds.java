package com.huntaze.ratelimiter.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The ids of the gate's permits: the message's own, and another for each revival, so that a revived
 * message gets a slot of its own. No two messages share one.
 */
final class GateIds {
  private GateIds() {}

  static String permit(OutboundMessage message) {
    String id = message.messageId();
    if (!isLegal(id)) {
      id = "sha-256 " + digest(id);
    }
    return message.revival() == 0 ? id : id + " revival " + message.revival();
  }

  /** What a permit takes as it is. An id with a space could pass for another one's revival. */
  private static boolean isLegal(String id) {
    return id.length() <= PermitRequest.MAX_ID_LENGTH - " revival 2147483647".length()
        && id.chars()
            .noneMatch(
                c -> c == ' ' || Character.isISOControl(c) || Character.isSurrogate((char) c));
  }

  private static String digest(String id) {
    try {
      byte[] text = id.getBytes(UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
