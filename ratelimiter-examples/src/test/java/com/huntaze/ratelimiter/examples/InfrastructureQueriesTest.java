package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The saved queries ask for fields that the log's lines have. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureQueriesTest {
  private static final Map<String, JsonNode> QUERIES =
      Terraform.read().resources("aws_cloudwatch_query_definition");
  private static final SourceGraph CODE = SourceGraph.read();
  private static final Pattern FIELD =
      Pattern.compile("(?:addKeyValue|writeStringField|write\\w+FieldStart)\\(\\s*\"([\\w.]+)\"");
  private static final Pattern WORD = Pattern.compile("(?<![\\w.@])@?[a-z][\\w.]*");
  private static final Set<String> OF_LOGS_INSIGHTS = Set.of("@timestamp", "@message", "@log");
  private static final Set<String> LANGUAGE =
      Set.of(
          "fields",
          "filter",
          "stats",
          "sort",
          "limit",
          "parse",
          "like",
          "by",
          "as",
          "or",
          "and",
          "asc",
          "desc",
          "count",
          "avg",
          "max",
          "min",
          "latest",
          "ispresent",
          "pct");

  /** The fields of the lines of each log group. */
  private static Set<String> logged(String group) {
    String root =
        group.equals("aws_cloudwatch_log_group.function.name")
            ? "com.huntaze.ratelimiter.lambda.RateLimiterHandler"
            : "com.huntaze.ratelimiter.examples.worker.WorkerProcess";
    Set<String> fields = new TreeSet<>(OF_LOGS_INSIGHTS);
    CODE.from(root)
        .values()
        .forEach(source -> FIELD.matcher(source).results().forEach(f -> fields.add(f.group(1))));
    if (root.contains(".worker.")) {
      String lines = "com.huntaze.ratelimiter.examples.worker.JsonLines";
      FIELD.matcher(CODE.from(lines).get(lines)).results().forEach(f -> fields.add(f.group(1)));
    }
    return fields;
  }

  @Test
  void they_ask_for_fields_that_are_logged() {
    assertThat(QUERIES)
        .containsKeys("rate_limit_decisions", "scraping_performance", "error_analysis");
    QUERIES.forEach(
        (name, query) -> {
          Set<String> known = new TreeSet<>();
          Terraform.texts(query.path("log_group_names")).forEach(g -> known.addAll(logged(g)));
          assertThat(known).containsAll(asked(query.path("query_string").asText()));
        });
  }

  @Test
  void those_the_runbook_names_are_saved() {
    List<String> saved =
        QUERIES.values().stream()
            .map(query -> query.path("name").asText().replaceFirst(".*/", ""))
            .toList();
    List<String> named =
        Pattern.compile("saved query `([^`]+)`")
            .matcher(Repository.read("docs/operations.md"))
            .results()
            .map(found -> found.group(1))
            .toList();
    assertThat(named).isNotEmpty();
    assertThat(saved).containsAll(named);
  }

  /** The words of a query that are neither of the language nor names it gives itself. */
  private static Set<String> asked(String query) {
    String plain = query.replaceAll("/[^/]*/", " ").replaceAll("\"[^\"]*\"", " ");
    Set<String> own = new TreeSet<>();
    Pattern.compile("\\bas (\\w+)|\\(\\?<(\\w+)>")
        .matcher(query)
        .results()
        .forEach(as -> own.add(as.group(1) != null ? as.group(1) : as.group(2)));
    Set<String> words = new TreeSet<>();
    WORD.matcher(plain).results().forEach(word -> words.add(word.group()));
    words.removeAll(own);
    words.removeAll(LANGUAGE);
    return words;
  }

  @Test
  void the_line_of_a_decision_is_parsed() {
    Matcher line =
        Pattern.compile("\"(Token bucket result [^\"]+)\"")
            .matcher(
                CODE.from("com.huntaze.ratelimiter.delivery.RateLimitGate")
                    .get("com.huntaze.ratelimiter.delivery.GateRun"));
    assertThat(line.find()).isTrue();
    String logged = line.group(1).replaceFirst("\\{}", "true").replace("{}", "7");
    String query = QUERIES.get("rate_limit_decisions").path("query_string").asText();
    Matcher parse = Pattern.compile("parse @message /(.+)/").matcher(query);
    assertThat(parse.find()).isTrue();
    Matcher parsed = Pattern.compile(parse.group(1)).matcher(logged);
    assertThat(parsed.find()).as(logged).isTrue();
    assertThat(parsed.group("allowed")).isEqualTo("true");
    assertThat(parsed.group("retry")).isEqualTo("7");
    assertThat(parsed.group("tokens")).isEqualTo("7");
  }
}
