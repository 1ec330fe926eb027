package com.huntaze.ratelimiter.examples.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.DatabaseUrl;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.ManualTime;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class WorkerSecretsTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  private final ManualTime time = new ManualTime();
  private final Map<String, String> environment = new HashMap<>();
  private LocalSecrets aws;

  @BeforeEach
  void start() throws Exception {
    aws = new LocalSecrets();
    environment.put("AWS_ENDPOINT_URL", aws.endpoint());
    environment.put("AWS_ACCESS_KEY_ID", "local");
    environment.put("AWS_SECRET_ACCESS_KEY", "local");
  }

  @AfterEach
  void stop() {
    aws.close();
  }

  private void rotate(WorkerSecrets secrets, String id, String text) {
    aws.texts.put(id, text);
    time.advance(Duration.ofMinutes(5));
    secrets.refresh();
  }

  @Test
  void a_rotated_key_and_token_are_given_to_whoever_asks_without_a_restart() {
    environment.put("ONLYFANS_API_KEY_SECRET", "prod/key");
    environment.put("REDIS_AUTH_TOKEN_SECRET", "prod/redis#token");
    aws.texts.put("prod/key", "key-1");
    aws.texts.put("prod/redis", "{\"token\":\"token-1\"}");
    try (WorkerSecrets secrets = WorkerSecrets.read(environment, time)) {
      RateLimiterConfig config = secrets.config();
      assertThat(config.secret("ONLYFANS_API_KEY").get()).contains("key-1");
      assertThat(config.secret("REDIS_AUTH_TOKEN").get()).contains("token-1");
      aws.texts.put("prod/redis", "{\"token\":\"token-2\"}");
      rotate(secrets, "prod/key", "key-2");
      assertThat(config.secret("ONLYFANS_API_KEY").get()).contains("key-2");
      assertThat(config.secret("REDIS_AUTH_TOKEN").get()).contains("token-2");
    }
  }

  @Test
  void a_rotated_user_of_the_database_is_taken_over_at_the_next_new_connection() throws Exception {
    try (Connection admin = POSTGRES.dataSource().getConnection();
        Statement make = admin.createStatement()) {
      make.execute("create role secret_one login password 'p1'");
      make.execute("create role secret_two login password 'p2'");
    }
    String at = POSTGRES.jdbcUrl().replaceAll("^jdbc:postgresql://([^?]+).*", "$1");
    environment.put("DATABASE_URL_SECRET", "prod/database");
    aws.texts.put("prod/database", "postgresql://secret_one:p1@" + at);
    try (WorkerSecrets secrets = WorkerSecrets.read(environment, time)) {
      DatabaseUrl url = secrets.config().database().orElseThrow();
      try (HikariDataSource pool = WorkerProcess.database(url, secrets.database())) {
        assertThat(user(pool)).isEqualTo("secret_one");
        rotate(secrets, "prod/database", "postgresql://secret_two:p2@" + at);
        pool.getHikariPoolMXBean().softEvictConnections();
        assertThat(user(pool)).isEqualTo("secret_two");
      }
    }
  }

  private static String user(HikariDataSource pool) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement ask = connection.createStatement();
        ResultSet answer = ask.executeQuery("select session_user")) {
      answer.next();
      return answer.getString(1);
    }
  }

  @Test
  void a_secret_that_cannot_be_read_is_named_by_its_setting() {
    environment.put("ONLYFANS_API_KEY_SECRET", "prod/none");
    environment.put("DATABASE_URL_SECRET", "prod/none");
    assertThatThrownBy(() -> WorkerSecrets.read(environment, time))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("ONLYFANS_API_KEY_SECRET", "DATABASE_URL_SECRET");
  }

  @Test
  void without_secrets_the_environment_counts_and_nobody_is_asked() {
    environment.put("ONLYFANS_API_KEY", "key");
    environment.put("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    try (WorkerSecrets secrets = WorkerSecrets.read(environment, time)) {
      assertThat(secrets.config().secret("ONLYFANS_API_KEY").get()).contains("key");
      assertThat(secrets.database()).isEmpty();
    }
  }
}
