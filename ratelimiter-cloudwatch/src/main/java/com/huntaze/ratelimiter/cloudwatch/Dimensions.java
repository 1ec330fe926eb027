package com.huntaze.ratelimiter.cloudwatch;

import static java.util.Objects.requireNonNull;

import java.util.regex.Pattern;

/** The two dimensions there are. */
final class Dimensions {
  static final String ENVIRONMENT = "Environment";
  static final String PRIORITY = "Priority";

  /** What CloudWatch takes as a value, and no more than a reader can bear. */
  private static final Pattern VALUE = Pattern.compile("[!-9;-~][!-~]{0,254}");

  private Dimensions() {}

  static String checkEnvironment(String environment) {
    if (!VALUE.matcher(requireNonNull(environment, "environment")).matches()) {
      throw new IllegalArgumentException(
          "environment must be 1 to 255 printable ASCII characters without spaces, the first no"
              + " colon, was '"
              + environment
              + "'");
    }
    return environment;
  }
}
