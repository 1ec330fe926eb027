package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The alarms are all there, and look at what they should. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureAlarmsTest {
  private static final Map<String, JsonNode> ALARMS =
      Terraform.read().resources("aws_cloudwatch_metric_alarm");
  private static final Pattern WORD = Pattern.compile("\\b[a-z]+\\b");

  /** Threshold, minutes, topic and the metrics, of each alarm. */
  private static final String EXPECTED =
      """
      error_rate > 5 for 5 warning MessagesFailed MessagesQueued MessagesStored
      entry_depth > 100 for 10 warning ApproximateNumberOfMessagesDelayed \
      ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesVisible
      workflow_depth > 500 for 10 warning ApproximateNumberOfMessagesDelayed \
      ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesVisible
      lambda_errors_warning > 10 for 5 warning Errors
      lambda_errors_critical > 50 for 5 critical Errors
      lambda_throttles > 10 for 5 warning Throttles
      oldest_message_warning > 600 for 5 warning ApproximateAgeOfOldestMessage
      oldest_message_critical > 1800 for 5 critical ApproximateAgeOfOldestMessage
      dead_letters_many > 100 for 5 critical ApproximateNumberOfMessagesVisible
      dead_letters_any > 0 for 5 warning ApproximateNumberOfMessagesVisible
      worker_failure_rate < 50 for 10 critical scraping_success_rate
      api_5xx > 20 for 5 warning MessagesSent onlyfans_429_count onlyfans_4xx_count \
      onlyfans_5xx_count
      worker_cpu > 70 for 10 warning CPUUtilization
      metrics_dropped > 0 for 5 warning MetricsDropped
      breaker_open > 0 for 5 warning CircuitBreakerOpen circuit_breaker_open_count
      limiter_closed > 0 for 5 critical LimiterClosed
      gate_retries > 0 for 10 critical rate_limit_retried_count
      metrics_silent < 1 for 15 warning QueueDepth
      """;

  @Test
  void they_are_those_of_the_runbook_with_their_thresholds_times_topics_and_metrics() {
    Map<String, String> found = new TreeMap<>();
    ALARMS.forEach((name, alarm) -> found.put(name, described(name, alarm)));
    assertThat(found.values()).containsExactlyInAnyOrderElementsOf(EXPECTED.lines().toList());
  }

  private static String described(String name, JsonNode alarm) {
    List<JsonNode> metrics = metrics(alarm);
    int period = metrics.get(0).path("period").asInt();
    assertThat(metrics).as(name).allMatch(each -> each.path("period").asInt() == period);
    Set<String> names =
        metrics.stream()
            .map(each -> each.path("metric_name").asText())
            .collect(Collectors.toCollection(TreeSet::new));
    String operator =
        switch (alarm.path("comparison_operator").asText()) {
          case "GreaterThanThreshold" -> ">";
          case "LessThanThreshold" -> "<";
          default -> "?";
        };
    String action = Terraform.texts(alarm.path("alarm_actions")).get(0);
    return "%s %s %d for %d %s %s"
        .formatted(
            name,
            operator,
            alarm.path("threshold").asInt(),
            period * alarm.path("evaluation_periods").asInt() / 60,
            action.replace("aws_sns_topic.", "").replace(".arn", ""),
            String.join(" ", names));
  }

  private static List<JsonNode> metrics(JsonNode alarm) {
    return alarm.has("metric_name")
        ? List.of(alarm)
        : Terraform.list(alarm.path("metric_query")).stream()
            .filter(query -> query.has("metric"))
            .map(query -> query.path("metric"))
            .toList();
  }

  @Test
  void each_is_named_after_itself_and_its_environment_and_treats_missing_data() {
    ALARMS.forEach(
        (name, alarm) -> {
          assertThat(alarm.path("alarm_name").asText())
              .isEqualTo("ratelimiter-" + name.replace('_', '-') + "-var.environment");
          assertThat(alarm.path("treat_missing_data").asText())
              .isEqualTo(name.equals("metrics_silent") ? "breaching" : "notBreaching");
          assertThat(Terraform.texts(alarm.path("ok_actions")))
              .isEqualTo(Terraform.texts(alarm.path("alarm_actions")));
          assertThat(alarm.path("alarm_description").asText()).isNotBlank();
        });
  }

  @Test
  void each_tells_the_topic_that_the_runbook_says() {
    String runbook = Repository.read("docs/operations.md");
    ALARMS.forEach(
        (name, alarm) -> {
          String section = runbook.split("### ratelimiter-" + name.replace('_', '-') + "\n", 2)[1];
          assertThat(Terraform.texts(alarm.path("alarm_actions")))
              .as(name)
              .containsExactly(
                  section.strip().startsWith("*Critical")
                      ? "aws_sns_topic.critical.arn"
                      : "aws_sns_topic.warning.arn");
        });
  }

  @Test
  void an_expression_computes_with_all_of_its_metrics_and_no_other() {
    ALARMS.forEach(
        (name, alarm) -> {
          Set<String> ids = new TreeSet<>();
          Set<String> words = new TreeSet<>();
          for (JsonNode query : Terraform.list(alarm.path("metric_query"))) {
            if (query.has("metric")) {
              ids.add(query.path("id").asText());
            } else {
              assertThat(query.path("return_data").asBoolean()).as(name).isTrue();
              WORD.matcher(query.path("expression").asText())
                  .results()
                  .forEach(word -> words.add(word.group()));
            }
          }
          assertThat(words).as(name).isEqualTo(ids);
        });
  }

  @Test
  void what_waits_is_visible_hidden_and_delayed() {
    for (String name : List.of("entry_depth", "workflow_depth")) {
      JsonNode alarm = ALARMS.get(name);
      assertThat(Terraform.list(alarm.path("metric_query")).get(0).path("expression").asText())
          .isEqualTo("visible + hidden + delayed");
      assertThat(metrics(alarm))
          .hasSize(3)
          .allMatch(
              each ->
                  each.at("/dimensions/QueueName")
                      .asText()
                      .equals("aws_sqs_queue." + name.replace("_depth", "") + ".name"));
    }
  }

  @Test
  void the_error_rate_counts_what_was_stored_and_is_not_silenced_by_a_metric_that_is_missing() {
    assertThat(
            Terraform.list(ALARMS.get("error_rate").path("metric_query"))
                .get(0)
                .path("expression")
                .asText()
                .replace(" ", ""))
        .isEqualTo(
            "IF(FILL(queued,0)+FILL(failed,0)+FILL(stored,0)>0,"
                + "100*(FILL(failed,0)+FILL(stored,0))"
                + "/(FILL(queued,0)+FILL(failed,0)+FILL(stored,0)),0)");
  }
}
