package com.huntaze.ratelimiter.queue;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A caller's trace in the two forms in which it travels: W3C's, which goes along as an attribute
 * and as the header of the API's request, and X-Ray's, which SQS carries beside a message for free.
 * Read from either, each is made from the other. Immutable and thread-safe.
 *
 * @param traceparent W3C's form, as in {@code 00-<trace id>-<parent id>-01}; empty if there is none
 * @param awsTraceHeader X-Ray's form, as in {@code Root=1-…;Parent=…;Sampled=1}; empty if there is
 *     none
 */
public record TraceContext(Optional<String> traceparent, Optional<String> awsTraceHeader) {
  /** No trace. */
  public static final TraceContext NONE = new TraceContext(Optional.empty(), Optional.empty());

  /**
   * Version, trace id of 32 digits, parent id of 16, and flags, of which the last bit is sampled.
   */
  private static final Pattern W3C =
      Pattern.compile(
          "[0-9a-e][0-9a-f]-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-(?!0{16})([0-9a-f]{16})"
              + "-[0-9a-f]([0-9a-f])");

  private static final Pattern X_RAY =
      Pattern.compile(
          "(Self=[0-9a-f-]+;)?Root=1-([0-9a-f]{8})-([0-9a-f]{24})(;[A-Za-z]+=[A-Za-z0-9:|-]+)*");

  private static final Pattern PARENT = Pattern.compile(";Parent=((?!0{16})[0-9a-f]{16})(;|$)");

  /**
   * Reads a trace in either form. One that is in neither, such as a number of the caller's own, is
   * none here: it goes along in the message alone.
   *
   * @param trace the trace, or null
   * @return its forms; {@link #NONE} if it has none
   */
  public static TraceContext of(@Nullable String trace) {
    if (trace == null) {
      return NONE;
    }
    Matcher w3c = W3C.matcher(trace);
    if (w3c.matches()) {
      boolean sampled = Character.digit(w3c.group(4).charAt(0), 16) % 2 == 1;
      String header =
          "Root=1-%s-%s;Parent=%s;Sampled=%d"
              .formatted(w3c.group(1), w3c.group(2), w3c.group(3), sampled ? 1 : 0);
      return new TraceContext(Optional.of(trace), Optional.of(header));
    }
    Matcher xRay = X_RAY.matcher(trace);
    return xRay.matches()
        ? new TraceContext(w3c(xRay.group(2) + xRay.group(3), trace), Optional.of(trace))
        : NONE;
  }

  /** W3C's form names a parent, which X-Ray's may leave out. */
  private static Optional<String> w3c(String traceId, String header) {
    Matcher parent = PARENT.matcher(header);
    return parent.find() && !traceId.matches("0+")
        ? Optional.of(
            "00-%s-%s-%s"
                .formatted(traceId, parent.group(1), header.contains(";Sampled=1") ? "01" : "00"))
        : Optional.empty();
  }
}
