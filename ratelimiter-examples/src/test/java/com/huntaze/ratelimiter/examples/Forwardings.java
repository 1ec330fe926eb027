package com.huntaze.ratelimiter.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.testkit.FaultySqs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the gate put into the workflow queue and when, as far as that tells which of two messages
 * the queue accepted first. Thread-safe.
 */
final class Forwardings {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** When a message was accepted: in the call of that number, or within that time. */
  private static final class Accepted {
    private final String creator;
    private final long from;
    private final int call;
    private final int place;
    private final boolean sure;
    private long until = Long.MAX_VALUE;

    Accepted(String creator, long from, int call, int place, boolean sure) {
      this.creator = creator;
      this.from = from;
      this.call = call;
      this.place = place;
      this.sure = sure;
    }
  }

  private final Map<String, Accepted> accepted = new HashMap<>();
  private int calls;

  /** Hears a call of the gate before it is answered. */
  synchronized void hear(FaultySqs.Call call) {
    if (!call.action().startsWith("SendMessage")) {
      return;
    }
    int number = calls++;
    List<OutboundMessage> sent = messages(call);
    for (int i = 0; i < sent.size(); i++) {
      OutboundMessage message = sent.get(i);
      accepted.putIfAbsent(
          message.messageId(),
          new Accepted(message.creator(), System.nanoTime(), number, i, call.fault().isEmpty()));
    }
  }

  private static List<OutboundMessage> messages(FaultySqs.Call call) {
    List<OutboundMessage> messages = new ArrayList<>();
    try {
      JsonNode body = JSON.readTree(call.body());
      if (body.has("Entries")) {
        for (JsonNode entry : body.get("Entries")) {
          messages.add(PayloadCodec.decodeEither(entry.get("MessageBody").textValue()));
        }
      } else {
        messages.add(PayloadCodec.decodeEither(body.get("MessageBody").textValue()));
      }
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a call of SQS was no JSON", e);
    }
    return messages;
  }

  /** The invocations that had to do with these messages have ended: what was sent was accepted. */
  synchronized void ended(List<String> ids) {
    long now = System.nanoTime();
    for (String id : ids) {
      Accepted known = accepted.get(id);
      if (known != null) {
        known.until = now;
      }
    }
  }

  /** How many messages were sent, whether or not that succeeded. */
  synchronized int count() {
    return accepted.size();
  }

  /** Where one creator's messages left in another order than they were accepted in. */
  synchronized List<String> overtakings(String creator, List<String> delivered) {
    List<String> faults = new ArrayList<>();
    for (int later = 1; later < delivered.size(); later++) {
      for (int earlier = 0; earlier < later; earlier++) {
        Accepted left = accepted.get(delivered.get(earlier));
        Accepted behind = accepted.get(delivered.get(later));
        if (left != null && behind != null && isBefore(behind, left)) {
          faults.add(
              delivered.get(earlier) + " of " + creator + " overtook " + delivered.get(later));
        }
      }
    }
    return faults;
  }

  /** Whether one was surely accepted before the other. */
  private static boolean isBefore(Accepted one, Accepted other) {
    if (!one.creator.equals(other.creator)) {
      return false;
    }
    if (one.call == other.call && one.sure && other.sure) {
      return one.place < other.place;
    }
    return one.until < other.from;
  }

  /** How many pairs of messages have a known order; none would make the check of order void. */
  synchronized int orderedPairs() {
    int pairs = 0;
    for (Accepted one : accepted.values()) {
      for (Accepted other : accepted.values()) {
        if (one != other && isBefore(one, other)) {
          pairs++;
        }
      }
    }
    return pairs;
  }
}
