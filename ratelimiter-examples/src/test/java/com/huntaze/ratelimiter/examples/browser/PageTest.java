package com.huntaze.ratelimiter.examples.browser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.testkit.ApiCall;
import com.huntaze.ratelimiter.testkit.ApiFault;
import com.huntaze.ratelimiter.testkit.FakeOnlyFansApi;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.htmlunit.WebClient;
import org.htmlunit.html.DomElement;
import org.htmlunit.html.HtmlInput;
import org.htmlunit.html.HtmlPage;
import org.htmlunit.html.HtmlTextArea;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The page and its server, in a browser made of Java. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class PageTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final FakeOnlyFansApi api = FakeOnlyFansApi.start();
  private final PageServer pages = PageServer.start(api.baseUri());
  private final BrowserGateway gateway =
      BrowserGateway.builder(() -> new JavaBrowser(pages.page())).freshness(PATIENCE).build();

  @AfterEach
  void close() {
    gateway.close();
    pages.close();
    api.close();
  }

  private static OutboundMessage.Builder message(String id) {
    return OutboundMessage.builder(id, "user", Instant.now())
        .creatorId("créa/tor")
        .recipientId("fan 1")
        .content("Hello \"you\"\nand ❤");
  }

  @Test
  void pressing_the_button_posts_what_was_filled_in_once() {
    OutboundMessage message =
        message("first").mediaUrls(List.of("https://cdn.example.com/a.jpg?x=1")).build();
    GatewayResponse answer = gateway.call(message, PATIENCE);
    assertThat(answer.outcome()).isEqualTo(GatewayResponse.Outcome.DELIVERED);
    gateway.call(message("second").build(), PATIENCE);
    assertThat(api.calls())
        .extracting(ApiCall::messageId, ApiCall::creatorId, ApiCall::recipientId)
        .containsExactly(
            tuple("first", "cr%C3%A9a%2Ftor", "fan 1"),
            tuple("second", "cr%C3%A9a%2Ftor", "fan 1"));
    assertThat(api.body("first"))
        .contains(
            "{\"text\":\"Hello \\\"you\\\"\\nand ❤\","
                + "\"mediaUrls\":[\"https://cdn.example.com/a.jpg?x=1\"]}");
    assertThat(api.body("second")).contains("{\"text\":\"Hello \\\"you\\\"\\nand ❤\"}");
    assertThat(api.unexpected()).isEmpty();
  }

  @Test
  void the_page_shows_status_and_wait_of_each_answer() {
    api.failNext(1, ApiFault.rateLimited(Duration.ofSeconds(7)));
    GatewayResponse limited = gateway.call(message("limited").build(), PATIENCE);
    assertThat(limited.statusCode()).isEqualTo(429);
    assertThat(limited.retryAfter()).contains(Duration.ofSeconds(7));
    api.failNext(1, ApiFault.status(422));
    GatewayResponse refused = gateway.call(message("refused").build(), PATIENCE);
    assertThat(refused.statusCode()).isEqualTo(422);
    assertThat(refused.retryAfter()).isEmpty();
  }

  @Test
  void an_api_that_cannot_be_reached_is_a_server_error_and_one_that_says_nothing_is_no_answer() {
    api.failNext(1, ApiFault.resetAfterDelivery());
    assertThatThrownBy(() -> gateway.call(message("cut").build(), PATIENCE))
        .hasMessageStartingWith("no answer");
    api.close();
    assertThat(gateway.call(message("unreached").build(), PATIENCE).statusCode()).isEqualTo(503);
  }

  @Test
  void what_another_site_could_post_is_not_passed_on() throws Exception {
    HttpRequest foreign =
        HttpRequest.newBuilder(pages.page().resolve("/chats/fan/messages"))
            .header("Content-Type", "text/plain")
            .POST(HttpRequest.BodyPublishers.ofString("{}"))
            .build();
    int status =
        HttpClient.newHttpClient()
            .send(foreign, HttpResponse.BodyHandlers.discarding())
            .statusCode();
    assertThat(status).isEqualTo(400);
    assertThat(api.calls()).isEmpty();
  }

  @Test
  void a_browser_that_is_not_there_is_named_with_its_setting() {
    assertThatThrownBy(() -> PlaywrightBrowser.executable(name -> null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BROWSER_EXECUTABLE must be set");
    assertThatThrownBy(() -> PlaywrightBrowser.executable(name -> "no/such/browser"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BROWSER_EXECUTABLE")
        .hasMessageContaining("'no/such/browser'");
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    assertThat(PlaywrightBrowser.executable(name -> java.toString())).isEqualTo(java);
  }

  /** Runs the page's script on the calling thread. */
  private static final class JavaBrowser implements Browser {
    private final URI url;
    private final WebClient client = new WebClient();
    private HtmlPage page;

    JavaBrowser(URI url) {
      this.url = url;
    }

    @Override
    public void open(Duration timeout) {
      try {
        page = client.getPage(url.toString());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      assertThat(element("message").getAttribute("data-state")).isEqualTo("ready");
    }

    private DomElement element(String id) {
      return page.getElementById(id);
    }

    @Override
    public void fill(OutboundMessage message, Duration timeout) {
      ((HtmlInput) element("id")).setValue(message.messageId());
      ((HtmlInput) element("creator")).setValue(message.creator());
      ((HtmlInput) element("recipient")).setValue(message.recipientId().orElse("-"));
      ((HtmlTextArea) element("text")).setText(message.content().orElse(""));
      ((HtmlTextArea) element("media")).setText(String.join("\n", message.mediaUrls()));
      element("message").fireEvent("input");
      assertThat(element("answer").hasAttribute("data-status")).isFalse();
    }

    @Override
    public PageAnswer send(Duration timeout) {
      try {
        element("send").click();
        element("send").click(); // the button is off by now
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      client.waitForBackgroundJavaScript(timeout.toMillis());
      DomElement answer = element("answer");
      return new PageAnswer(
          answer.getAttribute("data-message-id"),
          Integer.parseInt(answer.getAttribute("data-status")),
          answer.getAttribute("data-retry-after"),
          answer.getTextContent());
    }

    @Override
    public void kill() {}

    @Override
    public void close() {
      client.close();
    }
  }
}
