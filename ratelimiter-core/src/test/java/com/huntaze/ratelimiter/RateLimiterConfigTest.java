package com.huntaze.ratelimiter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import com.huntaze.ratelimiter.limit.RateLimit;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RateLimiterConfigTest {
  @Test
  void an_empty_environment_is_off_with_the_defaults() {
    RateLimiterConfig config = RateLimiterConfig.from(Map.of());
    assertThat(config.enabled()).isFalse();
    assertThat(config.newSwitch().percent()).isZero();
    assertThat(config.region()).isEqualTo("us-east-1");
    assertThat(config.rateLimit()).isEqualTo(RateLimit.rolling(10, Duration.ofSeconds(60)));
    assertThat(config.queue()).isEmpty();
    assertThat(config.environment()).isEqualTo("development");
  }

  @Test
  void every_setting_is_read() {
    Map<String, String> settings = new HashMap<>();
    settings.put("RATE_LIMITER_ENABLED", "true");
    settings.put("RATE_LIMITER_ROLLOUT_PERCENT", "10");
    settings.put("SQS_RATE_LIMITER_QUEUE", "huntaze-rate-limiter-queue");
    settings.put("WORKFLOWS_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/000000000000/w.fifo");
    settings.put("AWS_REGION", "eu-west-1");
    settings.put("AWS_ENDPOINT_URL", "http://127.0.0.1:9324");
    settings.put("REDIS_URL", "rediss://cache.example.com:6380");
    settings.put("DATABASE_URL", "postgresql://app:p%40ss@db.example.com:5433/huntaze?ssl=true");
    settings.put("ONLYFANS_API_URL", "https://api.example.com/api2/v2");
    settings.put("ONLYFANS_USER_AGENT", "huntaze/1");
    settings.put("ONLYFANS_API_KEY", "key-1");
    settings.put("RATE_LIMIT", "200/h");
    settings.put("ENVIRONMENT", "production");
    RateLimiterConfig config = RateLimiterConfig.from(settings);
    assertThat(config.newSwitch().percent()).isEqualTo(10);
    assertThat(config.queue()).contains("huntaze-rate-limiter-queue");
    assertThat(config.workflowQueue()).get().asString().endsWith("w.fifo");
    assertThat(config.region()).isEqualTo("eu-west-1");
    assertThat(config.awsEndpoint()).contains(URI.create("http://127.0.0.1:9324"));
    assertThat(config.redisUrl()).contains(URI.create("rediss://cache.example.com:6380"));
    assertThat(config.database().get().jdbcUrl())
        .isEqualTo("jdbc:postgresql://db.example.com:5433/huntaze?ssl=true");
    assertThat(config.database().get().user()).contains("app");
    assertThat(config.database().get().password()).contains("p@ss");
    assertThat(config.apiUrl()).contains(URI.create("https://api.example.com/api2/v2"));
    assertThat(config.userAgent()).contains("huntaze/1");
    assertThat(config.secret("ONLYFANS_API_KEY").get()).contains("key-1");
    assertThat(config.secret("REDIS_AUTH_TOKEN").get()).isEqualTo(Optional.empty());
    assertThat(config.rateLimit()).isEqualTo(RateLimit.rolling(200, Duration.ofHours(1)));
    assertThat(config.environment()).isEqualTo("production");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RATE_LIMITER_ENABLED | maybe | true or false",
        "RATE_LIMITER_ROLLOUT_PERCENT | 140 | 0 to 100",
        "RATE_LIMITER_ROLLOUT_PERCENT | -1 | 0 to 100",
        "RATE_LIMITER_ROLLOUT_PERCENT | ten | 0 to 100",
        "SQS_RATE_LIMITER_QUEUE | a queue | letters, digits",
        "SQS_WORKFLOW_QUEUE | workflows | ends in .fifo",
        "WORKFLOWS_QUEUE_URL | https://sqs.example.com/000000000000/workflows | ends in .fifo",
        "AWS_ENDPOINT_URL | 127.0.0.1:9324 | http:// or https://",
        "REDIS_URL | http://cache | redis:// or rediss://",
        "REDIS_URL | redis:// | with a host",
        "ONLYFANS_API_URL | ht!tp://x | http:// or https://",
        "RATE_LIMIT | -10/60s | permits / window",
        "RATE_LIMIT | 0/60s | 1 to 1000000",
        "RATE_LIMIT | 10/60 | ms, s, m or h",
        "RATE_LIMIT | 10/25h | 1ms to 24h"
      })
  void a_wrong_setting_is_refused_with_its_name_its_value_and_what_is_allowed(
      String name, String value, String allowed) {
    assertThatThrownBy(() -> RateLimiterConfig.from(Map.of(name, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name)
        .hasMessageContaining("'" + value + "'")
        .hasMessageContaining(allowed);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "jdbc:oracle:thin:@host/db | oracle",
        "mongodb://host/db | mongodb",
        "not a url | no URL",
        "postgresql:///db | postgresql"
      })
  void an_unknown_dialect_is_refused_with_those_that_are_known(String value, String named) {
    assertThatThrownBy(() -> RateLimiterConfig.from(Map.of("DATABASE_URL", value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("DATABASE_URL")
        .hasMessageContaining(named)
        .hasMessageContaining("postgresql, mysql, mariadb, h2");
  }

  @Test
  void all_wrong_settings_are_reported_together() {
    assertThatThrownBy(
            () ->
                RateLimiterConfig.from(
                    Map.of(
                        "RATE_LIMITER_ENABLED", "maybe", "RATE_LIMIT", "many", "REDIS_URL", "x")))
        .hasMessageContaining("RATE_LIMITER_ENABLED")
        .hasMessageContaining("RATE_LIMIT ")
        .hasMessageContaining("REDIS_URL");
  }

  @Test
  void credentials_are_never_shown() {
    String secret = "hunter2";
    assertThatThrownBy(
            () ->
                RateLimiterConfig.from(
                    Map.of(
                        "REDIS_URL", "http://user:" + secret + "@cache",
                        "DATABASE_URL", "oracle://app:" + secret + "@db/x")))
        .hasMessageNotContaining(secret);
    RateLimiterConfig config =
        RateLimiterConfig.from(
            Map.of(
                "ONLYFANS_API_KEY", secret,
                "REDIS_URL", "redis://:" + secret + "@cache",
                "DATABASE_URL", "postgresql://app:" + secret + "@db/x"));
    assertThat(config.toString()).doesNotContain(secret);
    assertThat(config.database().get().toString()).doesNotContain(secret);
    assertThat(DatabaseUrl.parse("jdbc:postgresql://db/x?user=a&password=" + secret).toString())
        .doesNotContain(secret);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "redis://:pa/hunter2@host:6379",
        "redis:hunter2@host",
        "ftp://host/?password=hunter2",
        "hunter2",
        "hunter2:host"
      })
  void a_password_in_the_wrong_place_is_not_shown(String value) {
    assertThatThrownBy(() -> RateLimiterConfig.from(Map.of("ONLYFANS_API_URL", value)))
        .hasMessageContaining("ONLYFANS_API_URL")
        .hasMessageNotContaining("hunter2");
    assertThat(DatabaseUrl.parse("jdbc:mysql://(host=h,user=u,password=hunter2)/db").toString())
        .isEqualTo("DatabaseUrl[mysql]");
  }

  @Test
  void blanks_around_a_secret_are_no_part_of_it() {
    RateLimiterConfig config = RateLimiterConfig.from(Map.of("ONLYFANS_API_KEY", " key\n"));
    assertThat(config.secret("ONLYFANS_API_KEY").get()).contains("key");
  }

  @Test
  void the_environment_goes_before_the_file_and_the_file_before_the_default(@TempDir Path directory)
      throws Exception {
    Path file = directory.resolve("limiter.properties");
    Files.writeString(
        file, "AWS_REGION=eu-west-1\nENVIRONMENT=staging\nSQS_RATE_LIMITER_QUEUE=from-file\n");
    RateLimiterConfig config =
        RateLimiterConfig.from(
            Map.of("ENVIRONMENT", "production", "SQS_RATE_LIMITER_QUEUE", " "), file);
    assertThat(config.environment()).isEqualTo("production");
    assertThat(config.region()).isEqualTo("eu-west-1");
    assertThat(config.queue()).as("blank is unset").contains("from-file");
    assertThat(config.rateLimit()).isEqualTo(RateLimit.rolling(10, Duration.ofSeconds(60)));
  }

  @Test
  void a_switch_set_in_the_file_follows_it_and_one_set_in_the_environment_does_not(
      @TempDir Path directory) throws Exception {
    Path file = directory.resolve("limiter.properties");
    Files.writeString(file, "RATE_LIMITER_ENABLED=true\n");
    RateLimiterSwitch followed = RateLimiterConfig.from(Map.of(), file).newSwitch();
    assertThat(followed.percent()).isEqualTo(100);
    assertThatThrownBy(() -> followed.set(1)).hasMessageContaining("follows its source");
    RateLimiterSwitch fixed =
        RateLimiterConfig.from(Map.of("RATE_LIMITER_ENABLED", "false"), file).newSwitch();
    assertThat(fixed.percent()).isZero();
    fixed.set(1);
    assertThat(fixed.percent()).isEqualTo(1);
  }

  @Test
  void an_unset_switch_is_off_and_the_log_says_so() {
    try (LogLines log = new LogLines(RateLimiterConfig.class)) {
      assertThat(RateLimiterConfig.from(Map.of()).newSwitch().percent()).isZero();
      assertThat(log.at(Level.INFO))
          .containsExactly("RATE_LIMITER_ENABLED is unset: rate limiting is off");
    }
  }

  @Test
  void a_file_that_cannot_be_read_is_named(@TempDir Path directory) {
    assertThatThrownBy(
            () -> RateLimiterConfig.fromEnvironment(directory.resolve("none.properties")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("none.properties")
        .hasMessageContaining("NoSuchFileException");
  }

  @Test
  void a_secret_comes_from_its_source_each_time_and_else_from_the_settings() {
    AtomicReference<String> secret = new AtomicReference<>();
    RateLimiterConfig config =
        RateLimiterConfig.from(Map.of("ONLYFANS_API_KEY", "from-settings"))
            .withSecrets(name -> Optional.ofNullable(secret.get()));
    Supplier<Optional<String>> key = config.secret("ONLYFANS_API_KEY");
    assertThat(key.get()).contains("from-settings");
    secret.set("rotated");
    assertThat(key.get()).contains("rotated");
    assertThat(config.toString()).doesNotContain("rotated", "from-settings");
    assertThatThrownBy(() -> config.secret("AWS_REGION"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("AWS_REGION is no secret");
  }
}
