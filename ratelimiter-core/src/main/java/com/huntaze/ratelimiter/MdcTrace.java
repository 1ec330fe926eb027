package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.queue.TraceContext;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The trace that the calling thread's logging context names, as OpenTelemetry, Micrometer and hosts
 * put it there, in W3C's form. One that is malformed is passed over, and said once. Thread-safe.
 */
final class MdcTrace {
  private static final Logger log = LoggerFactory.getLogger(RateLimitedOnlyFansClient.class);

  private final AtomicBoolean said = new AtomicBoolean();

  /** The trace; null if there is none that can be used. */
  @Nullable String current() {
    try {
      String whole = MDC.get("traceparent");
      if (whole != null) {
        return checked("traceparent", whole);
      }
      String found = of("trace_id", "span_id"); // OpenTelemetry's names
      return found != null ? found : of("traceId", "spanId"); // Micrometer's
    } catch (RuntimeException e) {
      refuse("its adapter failed with " + e.getClass().getName());
      return null;
    }
  }

  private @Nullable String of(String traceKey, String spanKey) {
    String trace = MDC.get(traceKey);
    String span = MDC.get(spanKey);
    if (trace == null || span == null) {
      return null;
    }
    String flags = MDC.get("trace_flags");
    String longTrace = trace.length() == 16 ? "0".repeat(16) + trace : trace;
    return checked(
        traceKey + " or " + spanKey,
        "00-" + longTrace + "-" + span + "-" + (flags == null ? "01" : flags));
  }

  private @Nullable String checked(String key, String traceparent) {
    if (TraceContext.of(traceparent).traceparent().filter(traceparent::equals).isPresent()) {
      return traceparent;
    }
    refuse(key + " is not of W3C's form");
    return null;
  }

  private void refuse(String why) {
    if (said.compareAndSet(false, true)) {
      log.warn("The trace of the logging context is not carried along: {}", why);
    }
  }
}
