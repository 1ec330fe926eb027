package com.huntaze.ratelimiter.examples.browser;

import static com.huntaze.ratelimiter.examples.browser.StandIn.decoded;
import static com.huntaze.ratelimiter.examples.browser.StandIn.encoded;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A browser that is a {@link StandIn} process. It keeps no time-out of its own. */
final class StandInBrowser implements Browser {
  private final URI page;
  private final Consumer<String> before;
  private volatile Process process;
  private BufferedWriter commands;
  private BufferedReader answers;

  private StandInBrowser(URI page, Consumer<String> before) {
    this.page = page;
    this.before = before;
  }

  /** Makes browsers and remembers them. */
  static final class Made implements Supplier<StandInBrowser> {
    private final URI page;
    private final List<StandInBrowser> all = new CopyOnWriteArrayList<>();

    /** Told of each step before it is taken, on the thread that takes it. */
    volatile Consumer<String> before = step -> {};

    Made(URI page) {
      this.page = page;
    }

    @Override
    public StandInBrowser get() {
      StandInBrowser browser = new StandInBrowser(page, step -> before.accept(step));
      all.add(browser);
      return browser;
    }

    int count() {
      return all.size();
    }

    StandInBrowser last() {
      return all.get(all.size() - 1);
    }

    List<StandInBrowser> all() {
      return List.copyOf(all);
    }
  }

  boolean isAlive() {
    Process running = process;
    return running != null && running.isAlive();
  }

  /** As {@code kill -9} from outside would, and waits until it is gone. */
  void crash() {
    process.destroyForcibly().onExit().join();
  }

  @Override
  public void open(Duration timeout) {
    before.accept("open");
    try {
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-Xmx32m",
                  "-cp",
                  Path.of(StandIn.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                      .toString(),
                  StandIn.class.getName())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    commands = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), UTF_8));
    answers = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    assertThat(answer("open", encoded(page.toString()))).isEqualTo("done");
  }

  @Override
  public void fill(OutboundMessage message, Duration timeout) {
    before.accept("fill");
    String done =
        answer(
            "fill",
            encoded(message.messageId()),
            encoded(message.creator()),
            encoded(message.recipientId().orElse("-")),
            encoded(message.content().orElse("")));
    assertThat(done).isEqualTo("done");
  }

  @Override
  public PageAnswer send(Duration timeout) {
    before.accept("send");
    String[] shown = answer("send").split(" ", -1);
    return new PageAnswer(
        decoded(shown[1]), Integer.parseInt(shown[2]), decoded(shown[3]), decoded(shown[4]));
  }

  private String answer(String... command) {
    try {
      commands.write(String.join(" ", command));
      commands.newLine();
      commands.flush();
      String answer = answers.readLine();
      if (answer == null) {
        throw new IllegalStateException("the browser is gone");
      }
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void kill() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly();
    }
  }

  @Override
  public void close() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly().onExit().join();
    }
  }
}
