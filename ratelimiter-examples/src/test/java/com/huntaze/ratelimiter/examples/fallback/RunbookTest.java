package com.huntaze.ratelimiter.examples.fallback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.huntaze.ratelimiter.delivery.InDoubtPolicy;
import com.huntaze.ratelimiter.delivery.SentLog;
import com.huntaze.ratelimiter.examples.Repository;
import com.huntaze.ratelimiter.jdbc.JdbcFallbackStore;
import com.huntaze.ratelimiter.jdbc.JdbcSentLog;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.RedisClient;

/** docs/operations.md names what there is, and its commands and statements work. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RunbookTest {
  private static final String PAGE = Repository.read("docs/operations.md");

  private static final Pattern SECTION =
      Pattern.compile("### (ratelimiter-\\S+)\\n(.*?)(?=\\n##)", Pattern.DOTALL);
  private static final Pattern ALARM =
      Pattern.compile("resource\\s+\"aws_cloudwatch_metric_alarm\"\\s+\"(\\w+)\"");
  private static final Pattern QUOTED = Pattern.compile("\"([^\"]+)\"");
  private static final Pattern CODE = Pattern.compile("`([^`\\n]+)`");
  private static final Pattern FALLBACK = Pattern.compile("(?m)`(fallback [^`]+)`|^(fallback .+)$");
  private static final Pattern SQL = Pattern.compile("```sql\\n(.*?)```", Pattern.DOTALL);
  private static final Pattern REASON_ROW =
      Pattern.compile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\| (?:worker|function)");

  /** Of AWS's own metrics, those the alarms and dashboards read. */
  private static final Set<String> OF_AWS =
      Set.of(
          "AWS/Lambda Errors",
          "AWS/Lambda Duration",
          "AWS/Lambda Throttles",
          "AWS/Lambda ConcurrentExecutions",
          "AWS/SQS ApproximateAgeOfOldestMessage",
          "AWS/SQS ApproximateNumberOfMessagesVisible",
          "AWS/ECS CPUUtilization",
          "AWS/ECS MemoryUtilization");

  private static Map<String, String> sections() {
    Map<String, String> sections = new LinkedHashMap<>();
    SECTION.matcher(PAGE).results().forEach(each -> sections.put(each.group(1), each.group(2)));
    return sections;
  }

  private static String part(String section, String name) {
    Matcher part =
        Pattern.compile("- \\*\\*" + name + ":\\*\\* (.*?)(?=\\n- \\*\\*|\\z)", Pattern.DOTALL)
            .matcher(section);
    return part.find() ? part.group(1) : "";
  }

  @Test
  void every_alarm_has_a_section_and_every_section_an_alarm() {
    Path terraform = Repository.root().resolve("infra/terraform");
    assertThat(terraform).as("the alarms").isDirectory();
    Set<String> alarms = new TreeSet<>();
    try (Stream<Path> files = Files.walk(terraform)) {
      files
          .filter(path -> path.toString().endsWith(".tf"))
          .flatMap(path -> ALARM.matcher(Repository.read(path)).results())
          .forEach(alarm -> alarms.add("ratelimiter-" + alarm.group(1).replace('_', '-')));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(alarms).isNotEmpty();
    assertThat(sections().keySet()).containsExactlyInAnyOrderElementsOf(alarms);
  }

  @Test
  void a_section_says_what_it_means_what_to_look_at_what_to_do_and_when_to_escalate() {
    assertThat(sections())
        .hasSize(18)
        .allSatisfy(
            (name, section) -> {
              assertThat(section.strip()).as(name).matches("(?s)\\*(Warning|Critical)\\..*");
              for (String part : List.of("What it means", "Metric", "Log", "Do", "Escalate")) {
                assertThat(part(section, part)).as("%s: %s", name, part).isNotBlank();
              }
            });
  }

  @Test
  void the_metrics_to_look_at_are_published() {
    Set<String> known = new TreeSet<>(OF_AWS);
    Stream.of(MetricName.values()).map(MetricName::wireName).forEach(known::add);
    sections()
        .forEach(
            (name, section) ->
                assertThat(CODE.matcher(part(section, "Metric")).results().map(m -> m.group(1)))
                    .as(name)
                    .isNotEmpty()
                    .isSubsetOf(known));
  }

  @Test
  void the_log_lines_to_look_for_are_logged() {
    String sources = sources();
    List<String> lines =
        Stream.concat(
                sections().values().stream().map(section -> part(section, "Log")),
                PAGE.lines().filter(line -> line.matches(".*\"[A-Z][^\"]+\\{}.*")))
            .flatMap(text -> QUOTED.matcher(text).results())
            .map(quoted -> quoted.group(1))
            .distinct()
            .toList();
    assertThat(lines).hasSizeGreaterThan(20).allSatisfy(line -> assertThat(sources).contains(line));
  }

  /** All literals of the product, with those that are put together joined. */
  private static String sources() {
    StringBuilder all = new StringBuilder();
    Repository.files().stream()
        .filter(path -> path.toString().matches(".*/src/main/.*\\.java"))
        .forEach(path -> all.append(Repository.read(path)));
    return all.toString().replaceAll("\"\\s*\\+\\s*\"", "");
  }

  @Test
  void every_command_of_the_operator_is_one() {
    List<String> commands =
        FALLBACK
            .matcher(PAGE)
            .results()
            .map(found -> found.group(1) != null ? found.group(1) : found.group(2))
            .map(String::strip)
            .toList();
    assertThat(commands).hasSizeGreaterThan(10);
    for (String command : commands) {
      List<String> words = new ArrayList<>(Arrays.asList(command.split(" +")));
      words.remove(0);
      assertThatCode(
              () ->
                  FallbackCommand.commandLine(Settings.ofEnvironment(), Confirmation.onConsole())
                      .parseArgs(words.toArray(String[]::new)))
          .as(command)
          .doesNotThrowAnyException();
    }
  }

  @Test
  void every_reason_of_a_dead_letter_is_explained_and_no_other() {
    Set<String> given = new TreeSet<>(Set.of("UNREADABLE", "ILLEGAL_ID", "MESSAGE_REFUSED"));
    Stream.of(PayloadException.Reason.values()).map(Enum::name).forEach(given::add);
    Pattern said =
        Pattern.compile(
            "(?:putAside|hold|neverCalled|refused|Optional\\.of)\\(\\s*\"([a-z]+(?:_[a-z]+)+)\"");
    for (Path path : Repository.files()) {
      if (path.endsWith("Delivery.java")
          || path.endsWith("GatewayResponse.java")
          || path.endsWith("DirectSink.java")) {
        said.matcher(Repository.read(path)).results().forEach(reason -> given.add(reason.group(1)));
      }
    }
    assertThat(given).hasSizeGreaterThan(14);
    Set<String> explained = new TreeSet<>();
    REASON_ROW
        .matcher(PAGE)
        .results()
        .flatMap(row -> CODE.matcher(row.group(1)).results())
        .map(reason -> reason.group(1))
        .forEach(explained::add);
    assertThat(explained).isEqualTo(given);
  }

  @Test
  void every_link_within_the_page_leads_somewhere() {
    Set<String> headings = new TreeSet<>();
    PAGE.lines()
        .filter(line -> line.startsWith("#"))
        .map(line -> line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT))
        .map(line -> line.replaceAll("[^a-z0-9 -]", "").replace(' ', '-'))
        .forEach(headings::add);
    assertThat(Pattern.compile("]\\(#([^)]+)\\)").matcher(PAGE).results().map(m -> m.group(1)))
        .isNotEmpty()
        .isSubsetOf(headings);
  }

  /** A message in doubt, that an operator has found not to be there, may be called again. */
  @Test
  void the_statements_run_and_what_is_forgotten_may_be_sent_and_what_is_known_may_not()
      throws Exception {
    try (HikariDataSource database = new HikariDataSource()) {
      database.setJdbcUrl("jdbc:h2:mem:runbook");
      JdbcFallbackStore.builder(database).build().createSchema();
      SentLog log = JdbcSentLog.builder(database).build();
      log.begin(claim("forgotten", "a"), Duration.ofNanos(1), InDoubtPolicy.HOLD);
      log.begin(claim("known", "a"), Duration.ofNanos(1), InDoubtPolicy.HOLD);
      log.begin(claim("under way", "a"), Duration.ofHours(1), InDoubtPolicy.HOLD);
      List<String> statements =
          SQL.matcher(PAGE)
              .results()
              .flatMap(block -> Stream.of(block.group(1).split(";\\s*")))
              .map(String::strip)
              .filter(statement -> !statement.isEmpty())
              .toList();
      assertThat(statements).hasSizeGreaterThanOrEqualTo(6);
      for (String statement : statements) {
        run(database, statement.replace("'ID'", "'nobody'"));
      }
      run(database, only(statements, "DELETE").replace("'ID'", "'forgotten'"));
      run(database, only(statements, "DELETE").replace("'ID'", "'under way'"));
      run(database, only(statements, "UPDATE").replace("'ID'", "'known'"));
      assertThat(log.begin(claim("forgotten", "b"), Duration.ofMinutes(1), InDoubtPolicy.HOLD))
          .isEqualTo(SentLog.Begin.STARTED);
      assertThat(log.begin(claim("under way", "b"), Duration.ofMinutes(1), InDoubtPolicy.HOLD))
          .isEqualTo(SentLog.Begin.IN_PROGRESS);
      assertThat(log.begin(claim("known", "b"), Duration.ofMinutes(1), InDoubtPolicy.HOLD))
          .isEqualTo(SentLog.Begin.ALREADY_SENT);
    }
  }

  private static SentLog.Claim claim(String id, String holder) {
    return new SentLog.Claim(id, 0, holder);
  }

  private static String only(List<String> statements, String verb) {
    List<String> found = statements.stream().filter(each -> each.startsWith(verb)).toList();
    assertThat(found).hasSize(1);
    return found.get(0);
  }

  private static void run(HikariDataSource database, String sql) throws SQLException {
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** After a purge the instants of what is gone stay booked, until the gate's keys are deleted. */
  @Test
  void the_gates_bookings_outlive_a_purge_and_are_forgotten_with_its_keys() {
    Duration window = Duration.ofMinutes(1);
    try (LocalRedis server = LocalRedis.start();
        RedisClient redis = RedisClient.create(server.uri())) {
      Matcher pattern =
          Pattern.compile("--pattern '([^']+)' \\| xargs redis-cli del").matcher(PAGE);
      assertThat(pattern.find()).isTrue();
      RedisTokenBucket gate =
          RedisTokenBucket.builder(redis)
              .gate()
              .limit(RateLimit.rolling(10, window))
              .coldStart(RedisTokenBucket.ColdStart.EMPTY)
              .build();
      for (int i = 0; i < 40; i++) {
        gate.tryAcquire(PermitRequest.of("purged-" + i).bookingUpTo(Duration.ofHours(11)));
      }
      assertThat(wait(gate, "behind")).isGreaterThan(window.multipliedBy(3));

      Set<String> keys = redis.keys(pattern.group(1));
      assertThat(keys).isNotEmpty().allMatch(key -> key.startsWith("rate_limit:{onlyfans}:gate:"));
      redis.del(keys.toArray(String[]::new));

      assertThat(wait(gate, "afterwards")).isLessThanOrEqualTo(window.plusSeconds(1));
    }
  }

  private static Duration wait(RedisTokenBucket gate, String id) {
    Permit permit = gate.tryAcquire(PermitRequest.of(id).bookingUpTo(Duration.ofHours(11)));
    assertThat(permit).isInstanceOf(Permit.Booked.class);
    return ((Permit.Booked) permit).delay();
  }
}
