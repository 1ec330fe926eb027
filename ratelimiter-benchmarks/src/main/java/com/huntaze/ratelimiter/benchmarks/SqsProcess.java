package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.io.IOException;
import java.io.OutputStream;

/**
 * The main class of the JVM that the SQS server has for itself, so that neither its garbage nor its
 * threads are counted as a contestant's. Prints its address; ends when its input does.
 */
final class SqsProcess {
  private SqsProcess() {}

  /**
   * Runs the server.
   *
   * @param args none
   * @throws IOException if its input cannot be read
   */
  public static void main(String[] args) throws IOException {
    try (LocalSqs sqs = LocalSqs.start()) {
      System.out.println(sqs.endpoint());
      System.in.transferTo(OutputStream.nullOutputStream());
    }
    System.exit(0); // Its actors' threads would outlive it.
  }
}
