package com.huntaze.ratelimiter.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Asking processes of this machine, and the record of all their calls. */
final class AskingFleet implements AutoCloseable {
  /** One process; its lines are read by a thread of its own. */
  private static final class Member {
    private final Process process;
    private int pauses;

    Member(Process process) {
      this.process = process;
    }

    void say(String order) {
      try {
        process.getOutputStream().write((order + "\n").getBytes(UTF_8));
        process.getOutputStream().flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final List<Member> members = new ArrayList<>();
  private final List<Long> calls = new ArrayList<>();

  /** Starts one more process, which waits to be told to go. */
  int start(List<String> args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(AskingProcess.class.getName());
    command.addAll(args);
    try {
      Member member =
          new Member(
              new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
      members.add(member);
      Thread reader = new Thread(() -> read(member), "asking-" + members.size());
      reader.setDaemon(true);
      reader.start();
      return members.size() - 1;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read(Member member) {
    try (var lines =
        new BufferedReader(new InputStreamReader(member.process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (this) {
          if (line.startsWith(AskingProcess.CALL)) {
            calls.add(Long.parseLong(line.substring(AskingProcess.CALL.length())));
          } else if (line.equals(AskingProcess.PAUSED)) {
            member.pauses++;
          }
          notifyAll();
        }
      }
    } catch (IOException e) {
      // the process was killed in the middle of a line
    }
  }

  void go(int index) {
    members.get(index).say(AskingProcess.GO);
  }

  /** Returns when no thread of the process has a permit in hand. */
  void pause(int index) throws InterruptedException {
    Member member = members.get(index);
    synchronized (this) {
      int before = member.pauses;
      member.say(AskingProcess.PAUSE);
      await("process " + index + " pauses", () -> member.pauses > before);
    }
  }

  void kill9(int index) {
    members.get(index).process.destroyForcibly();
  }

  /** Waits until so many more calls were made. */
  synchronized void awaitCalls(int more) throws InterruptedException {
    int wanted = calls.size() + more;
    await(more + " more calls", () -> calls.size() >= wanted);
  }

  private synchronized void await(String what, java.util.function.BooleanSupplier isSo)
      throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!isSo.getAsBoolean()) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError("within 30 s: " + what + "; calls so far: " + calls.size());
      }
      wait(left);
    }
  }

  /** All calls so far, by the machine's monotonic clock, in order. */
  synchronized List<Long> calls() {
    return calls.stream().sorted().toList();
  }

  /** The most calls in any window of a length. */
  int mostIn(Duration window) {
    List<Long> sorted = calls();
    int most = 0;
    int first = 0;
    for (int last = 0; last < sorted.size(); last++) {
      while (sorted.get(last) - sorted.get(first) >= window.toNanos()) {
        first++;
      }
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  @Override
  public void close() {
    for (Member member : members) {
      member.process.destroyForcibly();
    }
  }
}
