package com.huntaze.ratelimiter.sqs;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/**
 * A message's trace in the forms in which SQS passes one on: X-Ray's as a system attribute, which
 * takes no attribute's place and no byte of the message, and W3C's as an attribute. A trace id in
 * neither form travels in the body alone.
 *
 * @param traceparent W3C's form, where the message has it
 * @param header X-Ray's form, where there is one
 */
record SqsTrace(@Nullable String traceparent, @Nullable String header) {
  private static final SqsTrace NONE = new SqsTrace(null, null);

  /**
   * Version, trace id of 32 digits, parent id of 16, and flags, of which the last bit is sampled.
   */
  private static final Pattern W3C =
      Pattern.compile(
          "[0-9a-e][0-9a-f]-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-(?!0{16})([0-9a-f]{16})"
              + "-[0-9a-f]([0-9a-f])");

  private static final Pattern X_RAY =
      Pattern.compile(
          "(Self=[0-9a-f-]+;)?Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;[A-Za-z]+=[A-Za-z0-9:|-]+)*");

  static SqsTrace of(OutboundMessage message) {
    String trace = message.traceId().orElse(null);
    if (trace == null) {
      return NONE;
    }
    Matcher w3c = W3C.matcher(trace);
    if (w3c.matches()) {
      boolean sampled = Character.digit(w3c.group(4).charAt(0), 16) % 2 == 1;
      return new SqsTrace(
          trace,
          "Root=1-"
              + w3c.group(1)
              + "-"
              + w3c.group(2)
              + ";Parent="
              + w3c.group(3)
              + ";Sampled="
              + (sampled ? 1 : 0));
    }
    return X_RAY.matcher(trace).matches() ? new SqsTrace(null, trace) : NONE;
  }

  void addTo(Map<String, MessageAttributeValue> attributes) {
    if (traceparent != null) {
      attributes.put("traceparent", SqsEntry.string(traceparent));
    }
  }
}
