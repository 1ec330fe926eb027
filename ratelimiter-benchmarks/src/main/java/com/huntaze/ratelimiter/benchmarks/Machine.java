package com.huntaze.ratelimiter.benchmarks;

import java.lang.management.ManagementFactory;
import java.util.Locale;

/** What the figures were measured on. */
final class Machine {
  private Machine() {}

  /** Prints cores, load and Java; the load after a run says whether the machine was shared. */
  static void describe() {
    System.out.printf(
        Locale.ROOT,
        "%nMachine: %d cores, load average %.2f, %s %s, %s %s.%n",
        Runtime.getRuntime().availableProcessors(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
        System.getProperty("java.vm.name"),
        System.getProperty("java.vm.version"),
        System.getProperty("os.name"),
        System.getProperty("os.arch"));
  }
}
