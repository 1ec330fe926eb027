package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a Redis to answer, if only to ask for a password, with nothing but a socket. */
final class RedisPing {
  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(10);
  private static final int TIMEOUT_MILLIS = 1_000;

  private RedisPing() {}

  /** Returns once the server answers; fails if it ends, or has not answered in 20 s. */
  static void await(InetSocketAddress address, BooleanSupplier alive) throws IOException {
    long start = System.nanoTime();
    while (!answers(address)) {
      if (!alive.getAsBoolean()) {
        throw new IOException("Redis ended instead of listening on " + address);
      }
      if (System.nanoTime() - start > DEADLINE.toNanos()) {
        throw new IOException("Redis does not answer on " + address + " after " + DEADLINE);
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  private static boolean answers(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      socket.getOutputStream().write("PING\r\n".getBytes(US_ASCII));
      String answer = new String(socket.getInputStream().readNBytes(7), US_ASCII);
      return answer.equals("+PONG\r\n") || answer.equals("-NOAUTH");
    } catch (IOException e) {
      return false;
    }
  }
}
