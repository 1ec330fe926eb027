package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A worker as a process of its own, with nothing in its environment but what a test gives it. */
final class RunningWorker implements AutoCloseable {
  private static final Pattern PORT = Pattern.compile("health on port (\\d+)");

  private final Process process;
  private final List<String> lines = new ArrayList<>();
  private final CompletableFuture<Integer> port = new CompletableFuture<>();
  private final Thread reader;
  private final HttpClient http = HttpClient.newHttpClient();

  private RunningWorker(Process process) {
    this.process = process;
    this.reader = new Thread(this::read, "worker-output");
    reader.setDaemon(true);
    reader.start();
  }

  static RunningWorker start(Map<String, String> environment) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Dlogback.configurationFile=worker-logback.xml",
            "-cp",
            System.getProperty("java.class.path"),
            WorkerProcess.class.getName());
    builder.environment().clear();
    builder.environment().putAll(environment);
    return new RunningWorker(builder.redirectErrorStream(true).start());
  }

  private void read() {
    try (BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        synchronized (lines) {
          lines.add(line);
        }
        Matcher started = PORT.matcher(line);
        if (started.find()) {
          port.complete(Integer.parseInt(started.group(1)));
        }
      }
    } catch (IOException e) {
      // the process is gone
    }
  }

  List<String> lines() {
    synchronized (lines) {
      return List.copyOf(lines);
    }
  }

  HttpResponse<String> health() throws IOException, InterruptedException {
    try {
      URI url = URI.create("http://127.0.0.1:" + port.get(60, TimeUnit.SECONDS) + "/health");
      return http.send(
          HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(10)).build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError("the worker did not start: " + lines(), e);
    }
  }

  /** Sends SIGTERM; the process itself would close the streams too. */
  void terminate() {
    process.toHandle().destroy();
  }

  /** Waits for its end and all it said. */
  int exitCode(Duration within) throws InterruptedException {
    if (!process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError("the worker did not end: " + lines());
    }
    reader.join(10_000);
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
