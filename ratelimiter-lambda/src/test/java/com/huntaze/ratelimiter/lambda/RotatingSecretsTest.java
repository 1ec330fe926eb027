package com.huntaze.ratelimiter.lambda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.lambda.LocalSecretsManager.Mood;
import com.huntaze.ratelimiter.testkit.ManualTime;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RotatingSecretsTest {
  private static final Duration FIVE_MINUTES = Duration.ofMinutes(5);
  private static final String KEY = "ONLYFANS_API_KEY";

  private final ManualTime time = new ManualTime();
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(RotatingSecrets.class);
  private LocalSecretsManager aws;

  @BeforeEach
  void start() throws Exception {
    aws = new LocalSecretsManager(URI.create("http://127.0.0.1:1"));
    aws.secrets.put("prod/key", "first");
    lines.start();
    logger.addAppender(lines);
  }

  @AfterEach
  void stop() {
    logger.detachAppender(lines);
    aws.close();
    assertThat(aws.violations).isEmpty();
    assertThat(said()).noneMatch(line -> line.matches(".*(first|second|prod/key).*"));
  }

  private List<String> said() {
    return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  private RotatingSecrets secrets(String id) {
    return RotatingSecrets.of(Map.of(KEY, id), config(), time);
  }

  private RateLimiterConfig config() {
    return RateLimiterConfig.from(
        Map.of(
            "AWS_ENDPOINT_URL", aws.endpoint().toString(),
            "AWS_REGION", "eu-west-1",
            "AWS_ACCESS_KEY_ID", "local",
            "AWS_SECRET_ACCESS_KEY", "local"));
  }

  private RotatingSecrets read(String id) {
    RotatingSecrets secrets = secrets(id);
    secrets.refresh();
    return secrets;
  }

  @Test
  void a_new_value_is_taken_over_after_five_minutes_and_until_then_nothing_is_asked() {
    RotatingSecrets secrets = read("prod/key");
    aws.secrets.put("prod/key", "second");
    time.advance(FIVE_MINUTES.minusNanos(1));
    secrets.refresh();
    assertThat(secrets.find(KEY)).contains("first");
    assertThat(aws.calls).hasValue(1);

    time.advance(Duration.ofNanos(1));
    secrets.refresh();
    assertThat(secrets.find(KEY)).contains("second");
    assertThat(said()).containsExactly(KEY + " has a new value");
  }

  @Test
  void while_it_cannot_be_asked_the_last_value_goes_on_being_used_and_that_is_said_once() {
    RotatingSecrets secrets = read("prod/key");
    aws.mood = Mood.DENIES;
    time.advance(FIVE_MINUTES);
    for (int i = 0; i < 4; i++) {
      secrets.refresh();
      assertThat(secrets.find(KEY)).contains("first");
      time.advance(Duration.ofSeconds(15));
    }
    assertThat(aws.calls).as("once, and every 30 s while it fails").hasValue(3);
    assertThat(said())
        .singleElement()
        .asString()
        .contains(KEY + "_SECRET", "last value", "status 400, AccessDeniedException");

    aws.mood = Mood.ANSWERS;
    secrets.refresh();
    assertThat(said()).hasSize(2).last().isEqualTo(KEY + "_SECRET can be read again");

    aws.mood = Mood.FAILS;
    time.advance(FIVE_MINUTES);
    secrets.refresh();
    assertThat(said()).as("another outage").hasSize(3).last().asString().endsWith("status 500");
  }

  @Test
  void a_first_value_that_cannot_be_read_fails_by_the_settings_name_and_is_asked_for_again() {
    RotatingSecrets secrets = secrets("prod/none");
    assertThatThrownBy(secrets::refresh)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(KEY + "_SECRET", "status 400, ResourceNotFoundException")
        .hasMessageNotContaining("prod/none");
    assertThatThrownBy(() -> secrets.find(KEY)).hasMessageContaining(KEY + "_SECRET");

    aws.secrets.put("prod/none", "there");
    secrets.refresh();
    assertThat(secrets.find(KEY)).contains("there");
  }

  @Test
  void a_service_that_hangs_costs_two_seconds_and_one_that_is_away_is_named_by_class_alone() {
    RotatingSecrets secrets = read("prod/key");
    aws.mood = Mood.HANGS;
    time.advance(FIVE_MINUTES);
    long begun = System.nanoTime();
    secrets.refresh();
    // twice its bound, for a machine that is busy; without one it would hang for good
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(4));
    assertThat(said()).singleElement().asString().endsWith("java.net.SocketTimeoutException");
    assertThat(secrets.find(KEY)).contains("first");

    aws.close();
    RotatingSecrets late = secrets("prod/key");
    assertThatThrownBy(late::refresh).message().endsWith("java.net.ConnectException");
  }

  @Test
  void a_field_of_a_json_secret_may_be_meant_and_must_be_there() {
    aws.secrets.put(
        "db", "{\\\"nested\\\":{\\\"password\\\":\\\"no\\\"},\\\"password\\\":\\\"p#1\\\"}");
    assertThat(read("db#password").find(KEY)).contains("p#1");
    for (String wrong : List.of("db#user", "db#nested", "prod/key#password")) {
      assertThatThrownBy(() -> read(wrong))
          .as(wrong)
          .hasMessageContaining("no JSON object with such a field");
    }
  }

  @Test
  void a_blank_value_does_not_take_the_place_of_a_good_one() {
    RotatingSecrets secrets = read("prod/key");
    aws.secrets.put("prod/key", " ");
    time.advance(FIVE_MINUTES);
    secrets.refresh();
    assertThat(secrets.find(KEY)).contains("first");
    assertThat(said()).singleElement().asString().endsWith("it is blank");
  }

  @Test
  void a_setting_that_names_no_secret_is_left_to_the_environment() {
    RotatingSecrets secrets = RotatingSecrets.of(Map.of(), config(), time);
    secrets.refresh();
    assertThat(secrets.find(KEY)).isEmpty();
    assertThat(aws.calls).hasValue(0);
  }
}
