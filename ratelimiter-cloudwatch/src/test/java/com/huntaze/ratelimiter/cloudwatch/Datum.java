package com.huntaze.ratelimiter.cloudwatch;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/** What the local CloudWatch was sent for one metric. */
record Datum(
    String name,
    Map<String, String> dimensions,
    Instant timestamp,
    String unit,
    List<Double> values,
    List<Double> counts) {}
