package com.huntaze.ratelimiter.benchmarks;

import java.util.List;

/**
 * Runs the parts of the benchmark one after the other and prints their tables as Markdown:
 *
 * <pre>{@code
 * mvn -ntp -q -Pbenchmarks -pl ratelimiter-benchmarks -am process-classes
 * }</pre>
 *
 * <p>{@code -Dbenchmarks=memory,redis,windows,drain,heap,sqs,store,cloudwatch} chooses parts,
 * {@code -Dbenchmarks.seconds=1} is how long one measurement of the first two and the last three
 * takes, and {@code -Dbenchmarks.redis=redis://host:port} names a Redis to measure on in place of
 * the test kit's; <b>all its keys are lost</b>. The test kit's has an allocator that makes scripts
 * a half slower. {@code -Dbenchmarks.sqs=send,async,lone,burst} chooses measurements of that part,
 * {@code -Dbenchmarks.store=postgres,mariadb} the databases of that one. {@code lambda}, which only
 * runs if it is named, takes the file that {@code mvn package} makes of ratelimiter-lambda.
 */
public final class Benchmarks {
  private Benchmarks() {}

  /**
   * Runs the chosen parts.
   *
   * @param args none
   * @throws Exception if a part fails
   */
  public static void main(String[] args) throws Exception {
    List<String> parts =
        List.of(
            System.getProperty("benchmarks", "memory,redis,windows,drain,heap,sqs,store,cloudwatch")
                .split(","));
    double seconds = Double.parseDouble(System.getProperty("benchmarks.seconds", "1"));
    Machine.describe();
    for (String part : parts) {
      switch (part.strip()) {
        case "memory" -> new MemoryPart(seconds).run();
        case "redis" -> new RedisPart(seconds).run();
        case "windows" -> new WindowsPart().run();
        case "drain" -> new DrainPart().run();
        case "heap" -> new HeapPart().run();
        case "sqs" -> new SqsPart(seconds).run();
        case "lambda" -> new LambdaPart().run();
        case "store" -> new StorePart(seconds).run();
        case "cloudwatch" -> new CloudWatchPart(seconds).run();
        default -> throw new IllegalArgumentException("benchmarks has no part '" + part + "'");
      }
    }
    Machine.describe();
    System.exit(0); // Some peer's threads would outlive it.
  }
}
