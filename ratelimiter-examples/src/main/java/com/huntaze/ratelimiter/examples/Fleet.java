package com.huntaze.ratelimiter.examples;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Dispatcher processes of this machine. Each ends when its standard input does. */
final class Fleet implements AutoCloseable {
  private final List<Process> processes = new ArrayList<>();

  private Fleet() {}

  /** Starts dispatchers and waits until each is ready. */
  static Fleet start(int count, DispatcherProcess.Wiring wiring) throws IOException {
    Fleet fleet = new Fleet();
    try {
      for (int i = 0; i < count; i++) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(DispatcherProcess.class.getName());
        command.addAll(wiring.toArgs());
        fleet.processes.add(
            new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
      }
      for (Process process : fleet.processes) {
        awaitReady(process);
      }
      return fleet;
    } catch (IOException | RuntimeException e) {
      fleet.close();
      throw e;
    }
  }

  private static void awaitReady(Process process) throws IOException {
    var output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.equals(DispatcherProcess.READY)) {
        return;
      }
      System.out.println(line);
    }
    throw new IllegalStateException("a dispatcher ended before it was ready");
  }

  int size() {
    return processes.size();
  }

  /** Ends one dispatcher as a power cut would: SIGKILL. */
  void kill9(int index) {
    processes.get(index).destroyForcibly();
  }

  /** Lets each dispatcher finish what it has in hand. */
  @Override
  public void close() {
    for (Process process : processes) {
      try {
        process.getOutputStream().close();
        if (!process.waitFor(15, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (IOException e) {
        process.destroyForcibly();
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }
}
