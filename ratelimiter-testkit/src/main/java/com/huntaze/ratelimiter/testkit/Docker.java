package com.huntaze.ratelimiter.testkit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;

/** Tells whether services are to run as containers. */
final class Docker {
  private static final Logger log = LoggerFactory.getLogger(Docker.class);

  private Docker() {}

  /**
   * Whether containers are wanted and can be had. Without the property, Docker is not looked for.
   */
  static boolean isChosen() {
    return "docker".equals(System.getProperty("ratelimiter.services")) && Availability.YES;
  }

  /** Asked once in a JVM, when this class is first touched. */
  private static final class Availability {
    private static final boolean YES = ask();

    private static boolean ask() {
      boolean available = DockerClientFactory.instance().isDockerAvailable();
      if (!available) {
        log.warn(
            "ratelimiter.services is docker, but no Docker answers: local servers are used instead");
      }
      return available;
    }
  }
}
