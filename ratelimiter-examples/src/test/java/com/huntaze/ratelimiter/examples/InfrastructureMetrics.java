package com.huntaze.ratelimiter.examples;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The metrics that alarms, scaling and dashboards read. */
final class InfrastructureMetrics {
  static final List<String> DASHBOARDS =
      List.of("dashboards/rate-limiter.json.tftpl", "dashboards/scraper.json.tftpl");

  private InfrastructureMetrics() {}

  /**
   * A metric that is read.
   *
   * @param where the alarm or widget
   * @param dimensions names and values, a reference as its address
   */
  record Used(String where, String namespace, String name, Map<String, String> dimensions) {}

  static List<Used> all(Terraform terraform) {
    List<Used> all = new ArrayList<>(ofAlarms(terraform));
    all.addAll(ofScaling(terraform));
    all.addAll(ofDashboards());
    return all;
  }

  static List<Used> ofAlarms(Terraform terraform) {
    List<Used> used = new ArrayList<>();
    terraform
        .resources("aws_cloudwatch_metric_alarm")
        .forEach(
            (name, alarm) -> {
              if (alarm.has("metric_name")) {
                used.add(block("alarm " + name, alarm));
              }
              for (JsonNode query : Terraform.list(alarm.path("metric_query"))) {
                if (query.has("metric")) {
                  used.add(block("alarm " + name, query.path("metric")));
                }
              }
            });
    return used;
  }

  private static Used block(String where, JsonNode metric) {
    Map<String, String> dimensions = new TreeMap<>();
    Terraform.children(metric.path("dimensions"))
        .forEach((name, value) -> dimensions.put(name, value.asText()));
    return new Used(
        where, metric.path("namespace").asText(), metric.path("metric_name").asText(), dimensions);
  }

  private static List<Used> ofScaling(Terraform terraform) {
    List<Used> used = new ArrayList<>();
    terraform
        .resources("aws_appautoscaling_policy")
        .forEach(
            (name, policy) -> {
              JsonNode metrics =
                  policy.at(
                      "/target_tracking_scaling_policy_configuration"
                          + "/customized_metric_specification/metrics");
              for (JsonNode query : Terraform.list(metrics)) {
                JsonNode metric = query.at("/metric_stat/metric");
                if (!metric.isMissingNode()) {
                  Map<String, String> dimensions = new TreeMap<>();
                  Terraform.list(metric.path("dimensions"))
                      .forEach(
                          each ->
                              dimensions.put(
                                  each.path("name").asText(), each.path("value").asText()));
                  used.add(
                      new Used(
                          "scaling " + name,
                          metric.path("namespace").asText(),
                          metric.path("metric_name").asText(),
                          dimensions));
                }
              }
            });
    return used;
  }

  static List<Used> ofDashboards() {
    List<Used> used = new ArrayList<>();
    for (String path : DASHBOARDS) {
      for (JsonNode widget : Terraform.template(path).path("widgets")) {
        String where = path + ", " + widget.at("/properties/title").asText();
        for (JsonNode row : widget.at("/properties/metrics")) {
          if (row.get(0).isTextual()) {
            used.add(row(where, row));
          }
        }
      }
    }
    return used;
  }

  private static Used row(String where, JsonNode row) {
    Map<String, String> dimensions = new TreeMap<>();
    for (int i = 2; i + 1 < row.size() && row.get(i).isTextual(); i += 2) {
      dimensions.put(row.get(i).asText(), row.get(i + 1).asText());
    }
    return new Used(where, row.get(0).asText(), row.get(1).asText(), dimensions);
  }
}
