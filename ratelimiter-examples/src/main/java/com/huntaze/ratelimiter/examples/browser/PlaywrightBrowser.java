package com.huntaze.ratelimiter.examples.browser;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.WaitForSelectorState;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A Chromium that is installed on this machine, driven by Playwright. Downloads no browser, and
 * hides nothing of what it is. Node.js and the browser are processes of their own; {@link #kill}
 * ends both.
 */
public final class PlaywrightBrowser implements Browser {
  private static final Object STARTING = new Object();

  private final Path executable;
  private final URI url;

  /** Playwright's process; while it starts, every process that this JVM has more than before. */
  private volatile Supplier<List<ProcessHandle>> processes = List::of;

  private @Nullable Playwright playwright;
  private @Nullable Page page;

  /**
   * A browser that is not started yet.
   *
   * @param executable the browser's executable
   * @param url where the page is
   */
  public PlaywrightBrowser(Path executable, URI url) {
    this.executable = requireNonNull(executable, "executable");
    this.url = requireNonNull(url, "url");
  }

  /**
   * Reads where the browser is from {@code BROWSER_EXECUTABLE}.
   *
   * @param settings gives a setting's value, or null; such as {@code System::getenv}
   * @return the executable
   * @throws IllegalArgumentException if it is unset, or no file that can be executed
   */
  public static Path executable(Function<String, @Nullable String> settings) {
    String text = settings.apply("BROWSER_EXECUTABLE");
    if (text == null || text.isBlank()) {
      throw new IllegalArgumentException(
          "BROWSER_EXECUTABLE must be set to the path of a Chromium or Chrome");
    }
    try {
      Path path = Path.of(text);
      if (Files.isRegularFile(path) && Files.isExecutable(path)) {
        return path;
      }
    } catch (InvalidPathException e) {
      // told below
    }
    throw new IllegalArgumentException(
        "BROWSER_EXECUTABLE must be a file that can be executed, was '" + text + "'");
  }

  @Override
  public void open(Duration timeout) {
    double millis = millis(timeout);
    Playwright started = start();
    playwright = started;
    Page opened =
        started
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(executable)
                    .setHeadless(true)
                    .setChromiumSandbox(true)
                    .setTimeout(millis))
            .newPage();
    opened.navigate(url.toString(), new Page.NavigateOptions().setTimeout(millis));
    opened
        .locator("#message[data-state=ready]")
        .waitFor(new Locator.WaitForOptions().setTimeout(millis));
    page = opened;
  }

  private Playwright start() {
    synchronized (STARTING) {
      Set<ProcessHandle> before = ProcessHandle.current().children().collect(Collectors.toSet());
      Supplier<List<ProcessHandle>> more =
          () ->
              ProcessHandle.current().children().filter(child -> !before.contains(child)).toList();
      processes = more;
      try {
        return Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
      } finally {
        List<ProcessHandle> started = more.get();
        processes = () -> started;
      }
    }
  }

  @Override
  public void fill(OutboundMessage message, Duration timeout) {
    Page here = requireNonNull(page, "open() comes first");
    here.setDefaultTimeout(millis(timeout));
    here.locator("#id").fill(message.messageId());
    here.locator("#creator").fill(message.creator());
    here.locator("#recipient").fill(message.recipientId().orElse("-"));
    here.locator("#text").fill(message.content().orElse(""));
    here.locator("#media").fill(String.join("\n", message.mediaUrls()));
  }

  @Override
  public PageAnswer send(Duration timeout) {
    Page here = requireNonNull(page, "open() comes first");
    here.setDefaultTimeout(millis(timeout));
    here.locator("#send").click();
    Locator answer = here.locator("#answer[data-status]");
    answer.waitFor(new Locator.WaitForOptions().setState(WaitForSelectorState.ATTACHED));
    return new PageAnswer(
        attribute(answer, "data-message-id"),
        Integer.parseInt(attribute(answer, "data-status")),
        attribute(answer, "data-retry-after"),
        Optional.ofNullable(answer.textContent()).orElse(""));
  }

  /** At least one: to Playwright, zero is for ever. */
  private static double millis(Duration timeout) {
    return (double) Math.max(1, timeout.toMillis());
  }

  private static String attribute(Locator element, String name) {
    return Optional.ofNullable(element.getAttribute(name)).orElse("");
  }

  @Override
  public void kill() {
    for (ProcessHandle node : processes.get()) {
      List<ProcessHandle> below = node.descendants().toList();
      node.destroyForcibly();
      below.forEach(ProcessHandle::destroyForcibly);
    }
  }

  @Override
  public void close() {
    Playwright started = playwright;
    if (started != null) {
      started.close();
    }
  }
}
