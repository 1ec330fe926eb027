package com.huntaze.ratelimiter.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisExecProvider;

/** Redis as a child process of this JVM, in a directory of its own. Not thread-safe. */
final class RedisProcess implements RedisServer {
  private static final long STOP_SECONDS = 5;
  private static final int ATTEMPTS = 3;

  private static @Nullable File extracted;

  private final Arguments arguments;
  private final InetSocketAddress address;
  private final Path directory;
  private Process process;
  private boolean frozen;

  private RedisProcess(Arguments arguments, InetSocketAddress address, Path directory)
      throws IOException {
    this.arguments = arguments;
    this.address = address;
    this.directory = directory;
    this.process = launch();
  }

  static RedisProcess start(List<String> options) throws IOException {
    return start((address, directory) -> server(options, address));
  }

  /** Tries another port if someone took the one that was free a moment ago. */
  static RedisProcess start(Arguments arguments) throws IOException {
    IOException failure = new IOException("not tried");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      Path directory = Files.createTempDirectory("local-redis");
      try {
        return new RedisProcess(arguments, Loopback.free(), directory);
      } catch (IOException e) {
        failure = e;
        Directories.delete(directory);
      }
    }
    throw failure;
  }

  /** The arguments of a server: the last one that sets an option wins. */
  static List<String> server(List<String> options, InetSocketAddress address) {
    List<String> all = new ArrayList<>(DEFAULTS);
    all.addAll(options);
    all.addAll(
        List.of(
            "--bind",
            address.getAddress().getHostAddress(),
            "--port",
            Integer.toString(address.getPort())));
    return all;
  }

  @Override
  public InetSocketAddress address() {
    return address;
  }

  @Override
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
    frozen = false;
  }

  @Override
  public void revive() throws IOException {
    Directories.clear(directory);
    process = launch();
  }

  @Override
  public void freeze() throws IOException, InterruptedException {
    if (!process.isAlive()) {
      throw new IOException("Redis is dead");
    }
    signal("STOP");
    frozen = true;
  }

  @Override
  public void thaw() throws IOException, InterruptedException {
    if (frozen && process.isAlive()) {
      signal("CONT");
    }
    frozen = false;
  }

  /** A frozen server would not hear that it is to end, only that it is killed. */
  @Override
  public void close() {
    try {
      if (!frozen) {
        process.destroy();
      }
      if (frozen || !process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        kill();
      }
      Directories.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private Process launch() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(binary().getAbsolutePath());
    command.addAll(arguments.of(address, directory));
    Process started =
        new ProcessBuilder(command)
            .directory(directory.toFile())
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

  /** Every shell has its own {@code kill}; not every machine has it as a program. */
  private void signal(String name) throws IOException, InterruptedException {
    int status =
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor();
    if (status != 0) {
      throw new IOException("kill -" + name + " failed with " + status);
    }
  }

  /** Unpacked once; the JVM deletes it as it ends. */
  private static synchronized File binary() throws IOException {
    File binary = extracted;
    if (binary == null || !binary.canExecute()) {
      binary = RedisExecProvider.defaultProvider().get();
      extracted = binary;
    }
    return binary;
  }

  /** The command line behind the name of the program. */
  interface Arguments {
    List<String> of(InetSocketAddress address, Path directory) throws IOException;
  }
}
