package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The dashboards are such as CloudWatch takes, with every widget that was asked for. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureDashboardsTest {
  private static final Terraform TERRAFORM = Terraform.read();
  private static final Pattern WORD = Pattern.compile("\\b[a-z]\\w*\\b");

  private static final Map<String, List<String>> ASKED_FOR =
      Map.of(
          "dashboards/rate-limiter.json.tftpl",
          List.of(
              "Messages Queued",
              "Messages Sent vs Failed",
              "Rate Limited Messages",
              "Queue Depth",
              "Lambda Duration (percentiles)",
              "Error Rate"),
          "dashboards/scraper.json.tftpl",
          List.of(
              "Rate Limiter Metrics",
              "Queue Depth",
              "Queue Age",
              "Lambda Performance",
              "Scraper Success Rate",
              "OnlyFans API Errors",
              "ECS Auto Scaling",
              "ECS Resource Usage",
              "Processing Latency",
              "Cost Tracking (estimated dollars an hour)"));

  private static List<JsonNode> widgets(String path) {
    List<JsonNode> widgets = new ArrayList<>();
    Terraform.template(path).path("widgets").forEach(widgets::add);
    return widgets;
  }

  private static JsonNode widget(String path, String title) {
    return widgets(path).stream()
        .filter(each -> each.at("/properties/title").asText().equals(title))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void their_names_are_legal_and_their_bodies_are_the_templates() {
    Map<String, JsonNode> dashboards = TERRAFORM.resources("aws_cloudwatch_dashboard");
    assertThat(dashboards.values())
        .extracting(each -> each.path("dashboard_name").asText())
        .containsExactlyInAnyOrder("OnlyFans-Rate-Limiter", "Huntaze-OnlyFans-Scraper")
        .allMatch(name -> name.matches("[A-Za-z0-9_-]{1,255}"));
    String source = Repository.read(Terraform.ROOT.resolve("dashboards.tf"));
    InfrastructureMetrics.DASHBOARDS.forEach(path -> assertThat(source).contains(path));
  }

  @Test
  void what_a_template_has_inserted_is_given_to_it() {
    String source = Repository.read(Terraform.ROOT.resolve("dashboards.tf"));
    for (String path : InfrastructureMetrics.DASHBOARDS) {
      assertThat(Terraform.inserted(path))
          .isNotEmpty()
          .allMatch(name -> Pattern.compile("\\b" + name + "\\s+= ").matcher(source).find());
    }
  }

  @Test
  void every_widget_that_was_asked_for_is_there() {
    ASKED_FOR.forEach(
        (path, titles) ->
            assertThat(widgets(path))
                .extracting(each -> each.at("/properties/title").asText())
                .containsAll(titles));
  }

  @Test
  void widgets_are_of_kinds_that_cloudwatch_has() {
    for (String path : InfrastructureMetrics.DASHBOARDS) {
      assertThat(widgets(path))
          .allSatisfy(
              each -> {
                assertThat(each.path("type").asText()).isIn("metric", "text", "log", "alarm");
                if (each.path("type").asText().equals("metric")) {
                  JsonNode properties = each.path("properties");
                  String view = properties.path("view").asText();
                  assertThat(view).isIn("timeSeries", "singleValue", "gauge", "bar", "pie");
                  assertThat(properties.path("region").asText()).isEqualTo("region");
                  assertThat(properties.path("period").asInt() % 60).isZero();
                  if (view.equals("gauge")) {
                    assertThat(properties.at("/yAxis/left").has("min")).isTrue();
                    assertThat(properties.at("/yAxis/left").has("max")).isTrue();
                  }
                }
              });
    }
  }

  @Test
  void widgets_lie_within_the_grid_and_beside_one_another() {
    for (String path : InfrastructureMetrics.DASHBOARDS) {
      Set<String> taken = new TreeSet<>();
      for (JsonNode widget : widgets(path)) {
        int left = widget.path("x").asInt();
        int width = widget.path("width").asInt();
        assertThat(left + width).as(path).isBetween(1, 24);
        assertThat(widget.path("height").asInt()).isPositive();
        for (int x = left; x < left + width; x++) {
          for (int y = 0; y < widget.path("height").asInt(); y++) {
            String cell = x + "," + (widget.path("y").asInt() + y);
            assertThat(taken.add(cell)).as("%s at %s", path, cell).isTrue();
          }
        }
      }
    }
  }

  @Test
  void an_expression_computes_with_metrics_of_its_widget() {
    for (String path : InfrastructureMetrics.DASHBOARDS) {
      Set<String> inserted = new TreeSet<>(Terraform.inserted(path));
      for (JsonNode widget : widgets(path)) {
        Set<String> ids = new TreeSet<>(inserted);
        Set<String> words = new TreeSet<>();
        for (JsonNode row : widget.at("/properties/metrics")) {
          JsonNode options = row.get(row.size() - 1);
          if (options.has("id")) {
            assertThat(options.path("id").asText()).matches("[a-z]\\w*");
            assertThat(ids.add(options.path("id").asText())).isTrue();
          }
          WORD.matcher(options.path("expression").asText())
              .results()
              .forEach(word -> words.add(word.group()));
        }
        assertThat(ids).as(widget.at("/properties/title").asText()).containsAll(words);
      }
    }
  }

  @Test
  void the_functions_duration_is_shown_by_percentiles_and_waiting_counts_what_is_hidden() {
    String rateLimiter = "dashboards/rate-limiter.json.tftpl";
    Set<String> stats = new TreeSet<>();
    for (JsonNode row :
        widget(rateLimiter, "Lambda Duration (percentiles)").at("/properties/metrics")) {
      stats.add(row.get(row.size() - 1).path("stat").asText());
    }
    assertThat(stats).contains("p50", "p90", "p99");
    for (String path : InfrastructureMetrics.DASHBOARDS) {
      Set<String> expressions =
          Terraform.list(widget(path, "Queue Depth").at("/properties/metrics")).stream()
              .map(row -> row.get(0).path("expression").asText())
              .collect(Collectors.toSet());
      assertThat(expressions).contains("visible + hidden + delayed");
    }
  }
}
