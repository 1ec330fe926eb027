package com.huntaze.ratelimiter.testkit;

import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import redis.embedded.RedisExecProvider;

/** Redis as a child process of this JVM. Not thread-safe. */
final class RedisProcess implements RedisServer {
  private static final long STOP_SECONDS = 5;
  private static final int ATTEMPTS = 3;

  private final File binary;
  private final InetSocketAddress address;
  private Process process;

  private RedisProcess(File binary, InetSocketAddress address) throws IOException {
    this.binary = binary;
    this.address = address;
    this.process = launch();
  }

  /** Tries another port if someone took the one that was free a moment ago. */
  static RedisProcess start() throws IOException {
    File binary = RedisExecProvider.defaultProvider().get();
    IOException failure = new IOException("not tried");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        return new RedisProcess(binary, Loopback.free());
      } catch (IOException e) {
        failure = e;
      }
    }
    throw failure;
  }

  @Override
  public InetSocketAddress address() {
    return address;
  }

  @Override
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void revive() throws IOException {
    process = launch();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private Process launch() throws IOException {
    List<String> command =
        List.of(
            binary.getAbsolutePath(),
            "--bind",
            address.getAddress().getHostAddress(),
            "--port",
            Integer.toString(address.getPort()),
            "--save",
            "",
            "--appendonly",
            "no");
    Process started =
        new ProcessBuilder(command)
            .directory(binary.getAbsoluteFile().getParentFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      RedisPing.await(address, started::isAlive);
      return started;
    } catch (IOException e) {
      started.destroyForcibly();
      throw e;
    }
  }
}
