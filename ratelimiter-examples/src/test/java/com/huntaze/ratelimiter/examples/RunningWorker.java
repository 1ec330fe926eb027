package com.huntaze.ratelimiter.examples;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A {@link WorkerProcess} as its parent sees it. Thread-safe. */
final class RunningWorker implements AutoCloseable {
  private final Process process;
  private final CountDownLatch ready = new CountDownLatch(1);
  private final Semaphore paused = new Semaphore(0);

  private RunningWorker(Process process) {
    this.process = process;
  }

  static RunningWorker start(WorkerProcess.Wiring wiring) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(WorkerProcess.class.getName());
    command.addAll(wiring.toArgs());
    RunningWorker worker =
        new RunningWorker(
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    Thread reader = new Thread(worker::read, "hears-worker");
    reader.setDaemon(true);
    reader.start();
    return worker;
  }

  private void read() {
    try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        switch (line) {
          case WorkerProcess.READY -> ready.countDown();
          case WorkerProcess.PAUSED -> paused.release();
          default -> System.out.println("worker " + process.pid() + ": " + line.strip());
        }
      }
    } catch (IOException e) {
      // it was killed
    }
  }

  boolean awaitReady(Duration within) throws InterruptedException {
    return ready.await(within.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whether it came to stand between permit and call within that time. */
  boolean awaitPaused(Duration within) throws InterruptedException {
    return paused.tryAcquire(within.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Lets it go on from there, now or so many times ahead; one that has ended does not hear it. */
  void goOn(int times) {
    try {
      process.getOutputStream().write("\n".repeat(times).getBytes(UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      // another fault has ended it
    }
  }

  /** As {@code kill -STOP}: it stands still, heartbeat and all, and learns nothing of it. */
  void freeze() throws IOException, InterruptedException {
    signal("STOP");
  }

  /** As {@code kill -CONT}. */
  void thaw() throws IOException, InterruptedException {
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

  /** As {@code kill -9}; returns when it is gone. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("a killed process did not end: " + process.pid());
    }
  }

  /** Tells it to finish what it has in hand and end; kills it if it takes long. */
  void stop() throws IOException, InterruptedException {
    process.getOutputStream().close();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      kill();
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
