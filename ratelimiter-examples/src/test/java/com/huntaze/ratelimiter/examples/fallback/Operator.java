package com.huntaze.ratelimiter.examples.fallback;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.jdbc.EncryptionKeys;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.Priority;
import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** An operator at a terminal, and the store that is worked on. Used by one thread. */
final class Operator implements AutoCloseable {
  /** In everything that a message says, and in nothing else. */
  static final String MARKER = "S3CRET";

  /** What a command left behind. */
  record Run(int exitCode, String out, String err) {
    JsonNode json() {
      try {
        return JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .readTree(out);
      } catch (JsonProcessingException e) {
        throw new AssertionError("not one JSON document: " + out, e);
      }
    }

    String all() {
      return out + err;
    }
  }

  final Map<String, String> settings = new HashMap<>();
  final List<String> questions = new ArrayList<>();
  Optional<String> answer = Optional.empty();
  private final HikariDataSource dataSource = new HikariDataSource();

  private Operator(String databaseUrl, String jdbcUrl) {
    settings.put("DATABASE_URL", databaseUrl);
    dataSource.setJdbcUrl(jdbcUrl);
    dataSource.setMaximumPoolSize(1);
  }

  static Operator onH2() {
    String url = "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
    return on(url, url);
  }

  static Operator on(String databaseUrl, String jdbcUrl) {
    Operator operator = new Operator(databaseUrl, jdbcUrl);
    operator.store().createSchema();
    return operator;
  }

  JdbcFallbackStore store() {
    return JdbcFallbackStore.builder(dataSource).build();
  }

  JdbcFallbackStore store(EncryptionKeys keys) {
    return JdbcFallbackStore.builder(dataSource).encryption(keys).build();
  }

  void sql(String sql) {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  Run run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    Confirmation confirmation =
        question -> {
          questions.add(question);
          return answer;
        };
    int exitCode =
        FallbackCommand.commandLine(new MapSettings(settings), confirmation)
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(args);
    return new Run(exitCode, out.toString(), err.toString());
  }

  static OutboundMessage message(String id) {
    return message(id, "user_42", "fan_7", "hello " + MARKER);
  }

  static OutboundMessage message(String id, String user, String recipient, String content) {
    return OutboundMessage.builder(id, user, Instant.parse("2026-01-01T00:00:00.5Z"))
        .creatorId("creator of " + id)
        .recipientId(recipient)
        .content(content)
        .mediaUrls(List.of("https://media.example/" + MARKER + ".jpg"))
        .priority(Priority.HIGH)
        .workflowId("workflow-1")
        .traceId("trace-1")
        .metadata(Map.of("campaign", MARKER, "steps", List.of(1, MARKER)))
        .unknownFields(Map.of("later", Map.of("deep", MARKER)))
        .build();
  }

  /** Stores messages and lets them die. */
  void dead(String... ids) {
    for (String id : ids) {
      store().hold(message(id), "AMBIGUOUS: no answer");
    }
  }

  void waiting(String... ids) {
    for (String id : ids) {
      store().store(message(id), "NOT_SENT: connection refused");
    }
  }

  @Override
  public void close() {
    dataSource.close();
  }

  private record MapSettings(Map<String, String> settings) implements Settings {
    @Override
    public RateLimiterConfig config(Path properties) {
      return properties == null
          ? RateLimiterConfig.from(settings)
          : RateLimiterConfig.fromEnvironment(properties);
    }

    @Override
    public Optional<String> variable(String name) {
      return Optional.ofNullable(settings.get(name));
    }
  }
}
