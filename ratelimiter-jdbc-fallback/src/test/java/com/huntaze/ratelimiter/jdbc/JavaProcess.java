package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A process that runs a main class of these tests until it ends by itself or is killed. What it
 * prints is heard line by line; it ends by itself when its standard input does, so that it does not
 * outlive the tests. Thread-safe.
 */
final class JavaProcess implements AutoCloseable {
  private final Process process;
  private final CountDownLatch heardAll = new CountDownLatch(1);

  private JavaProcess(Process process) {
    this.process = process;
  }

  /**
   * Starts a process.
   *
   * @param heard hears each whole line, on a thread of the process's own
   */
  static JavaProcess start(
      JavaImage image, Class<?> main, List<String> arguments, Consumer<String> heard)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(image.options());
    command.addAll(
        List.of("-cp", String.join(File.pathSeparator, image.classPath()), main.getName()));
    command.addAll(arguments);
    JavaProcess started =
        new JavaProcess(
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    Thread reader = new Thread(() -> started.read(heard), "hears-" + main.getSimpleName());
    reader.setDaemon(true);
    reader.start();
    return started;
  }

  /** Prints a line to its standard input; one that has ended does not hear it. */
  void tell(String line) {
    try {
      process.getOutputStream().write((line + "\n").getBytes(UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      // it has ended, which its exit tells
    }
  }

  /** Ends its standard input. */
  void endInput() throws IOException {
    process.getOutputStream().close();
  }

  /** Whether it ended, and everything it printed was heard, within that time. */
  boolean endsWithin(Duration time) throws InterruptedException {
    long start = System.nanoTime();
    return process.waitFor(time.toNanos(), TimeUnit.NANOSECONDS)
        && heardAll.await(
            Math.max(1, time.toNanos() - (System.nanoTime() - start)), TimeUnit.NANOSECONDS);
  }

  /** What it ended with; only when it has. */
  int exitCode() {
    return process.exitValue();
  }

  /** As {@code kill -9}; returns when it is gone and everything it printed was heard. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    if (!endsWithin(Duration.ofSeconds(30))) {
      throw new IllegalStateException("a killed process did not end: " + process.pid());
    }
  }

  /** As {@code kill -STOP}: it stands still, and learns nothing of it. */
  void pause() throws IOException, InterruptedException {
    signal("STOP");
  }

  /** As {@code kill -CONT}. */
  void resume() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String name) throws IOException, InterruptedException {
    Process kill =
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!kill.waitFor(10, TimeUnit.SECONDS)) {
      kill.destroyForcibly();
      throw new IllegalStateException("kill -" + name + " did not end");
    }
  }

  private void read(Consumer<String> heard) {
    try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        heard.accept(line);
      }
    } catch (IOException e) {
      // it was killed
    } finally {
      heardAll.countDown();
    }
  }

  /** Kills it if it has not ended. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
