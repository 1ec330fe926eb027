package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.joran.JoranConfigurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

/** The ready set-up of Logback, as the file says it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class JsonLinesTest {
  private final LoggerContext context = new LoggerContext();
  private final LogbackMDCAdapter mdc = new LogbackMDCAdapter();
  private final JsonMapper json =
      JsonMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

  @AfterEach
  void stop() {
    context.stop();
  }

  /** The line that the file's appender would write. */
  private String line(LoggingEvent event) throws Exception {
    context.setMDCAdapter(mdc);
    URL file = JsonLinesTest.class.getResource("/worker-logback.xml");
    JoranConfigurator configurator = new JoranConfigurator();
    configurator.setContext(context);
    configurator.doConfigure(file);
    ConsoleAppender<ILoggingEvent> appender =
        (ConsoleAppender<ILoggingEvent>)
            context.getLogger(Logger.ROOT_LOGGER_NAME).getAppender("STDOUT");
    Encoder<ILoggingEvent> encoder = appender.getEncoder();
    return new String(encoder.encode(event), UTF_8);
  }

  private JsonNode fields(LoggingEvent event) throws Exception {
    String line = line(event);
    assertThat(line).endsWith("\n").containsOnlyOnce("\n");
    return json.readTree(line);
  }

  private LoggingEvent event(String message, Throwable thrown) {
    context.setMDCAdapter(mdc);
    return new LoggingEvent(
        "any", context.getLogger("some.Logger"), Level.WARN, message, thrown, null);
  }

  @Test
  void a_line_has_the_mdc_and_the_pairs_as_fields() throws Exception {
    mdc.put("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736");
    LoggingEvent event = event("two\nlines \"quoted\"", null);
    event.setKeyValuePairs(
        List.of(
            new KeyValuePair("message_id", "m-1"),
            new KeyValuePair("duration_ms", 12L),
            new KeyValuePair("error.type", "network"),
            new KeyValuePair("error.message", "no answer")));
    JsonNode fields = fields(event);
    assertThat(fields.get("trace_id").textValue()).isEqualTo("4bf92f3577b34da6a3ce929d0e0e4736");
    assertThat(fields.get("message_id").textValue()).isEqualTo("m-1");
    assertThat(fields.get("duration_ms").longValue()).isEqualTo(12);
    assertThat(fields.at("/error/type").textValue()).isEqualTo("network");
    assertThat(fields.at("/error/message").textValue()).isEqualTo("no answer");
    assertThat(fields.get("message").textValue()).isEqualTo("two\nlines \"quoted\"");
    assertThat(fields.get("level").textValue()).isEqualTo("WARN");
    assertThat(fields.get("logger").textValue()).isEqualTo("some.Logger");
  }

  @Test
  void no_field_comes_twice_whatever_the_mdc_and_the_pairs_are_called() throws Exception {
    mdc.put("message", "a forgery");
    mdc.put("user", "of the MDC");
    mdc.put("error", "plain");
    LoggingEvent event = event("the message", null);
    event.setKeyValuePairs(
        List.of(
            new KeyValuePair("level", "a forgery"),
            new KeyValuePair("user", "of the pair"),
            new KeyValuePair("user", "of the last pair"),
            new KeyValuePair("error.type", "dotted"),
            new KeyValuePair("message.id", "dotted, too"),
            new KeyValuePair(null, null)));
    JsonNode fields = fields(event);
    assertThat(fields.get("message").textValue()).isEqualTo("the message");
    assertThat(fields.get("level").textValue()).isEqualTo("WARN");
    assertThat(fields.get("user").textValue()).isEqualTo("of the last pair");
    assertThat(fields.get("error").textValue()).isEqualTo("plain");
    assertThat(fields.get("error.type").textValue()).isEqualTo("dotted");
    assertThat(fields.get("message.id").textValue()).isEqualTo("dotted, too");
  }

  @Test
  void the_words_of_a_foreign_exception_are_not_shown_and_ours_are() throws Exception {
    Exception foreign = new IllegalStateException("quotes s3cr3t-content");
    JsonNode fields =
        fields(event("it failed", new TokenBucketException("Redis cannot be reached", foreign)));
    assertThat(fields.toString()).doesNotContain("s3cr3t");
    assertThat(fields.get("exception").textValue())
        .contains("TokenBucketException: Redis cannot be reached")
        .contains("\n\tat " + JsonLinesTest.class.getName())
        .contains("Caused by: java.lang.IllegalStateException");
  }

  @Test
  void a_host_can_copy_the_encoder_as_it_needs_nothing_of_this_project() throws Exception {
    Path source = Path.of("src/main/java/com/huntaze/ratelimiter/examples/worker/JsonLines.java");
    assertThat(Files.readString(source))
        .doesNotContain("import com.huntaze")
        .contains("import ch.qos.logback");
  }
}
