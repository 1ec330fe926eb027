package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.examples.InfrastructureMetrics.Used;
import com.huntaze.ratelimiter.metrics.MetricName;
import com.huntaze.ratelimiter.metrics.MetricsSink;
import com.huntaze.ratelimiter.queue.Priority;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** Alarms and dashboards show what the code emits, and all of it. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureMetricsTest {
  private static final List<Used> USED = InfrastructureMetrics.all(Terraform.read());

  private static final Set<String> OF_QUEUE = Set.of("QueueName");
  private static final Set<String> OF_FUNCTION = Set.of("FunctionName");
  private static final Set<String> OF_SERVICE = Set.of("ClusterName", "ServiceName");

  /** What AWS publishes, as far as it is read here: namespace, names, dimensions. */
  private static final Map<String, Map<String, Set<String>>> BY_AWS =
      Map.of(
          "AWS/SQS",
          Map.of(
              "ApproximateNumberOfMessagesVisible",
              OF_QUEUE,
              "ApproximateNumberOfMessagesNotVisible",
              OF_QUEUE,
              "ApproximateNumberOfMessagesDelayed",
              OF_QUEUE,
              "ApproximateAgeOfOldestMessage",
              OF_QUEUE,
              "NumberOfMessagesSent",
              OF_QUEUE,
              "NumberOfMessagesReceived",
              OF_QUEUE,
              "NumberOfMessagesDeleted",
              OF_QUEUE),
          "AWS/Lambda",
          Map.of(
              "Invocations",
              OF_FUNCTION,
              "Errors",
              OF_FUNCTION,
              "Throttles",
              OF_FUNCTION,
              "Duration",
              OF_FUNCTION),
          "AWS/ECS",
          Map.of("CPUUtilization", OF_SERVICE, "MemoryUtilization", OF_SERVICE),
          "ECS/ContainerInsights",
          Map.of("RunningTaskCount", OF_SERVICE, "DesiredTaskCount", OF_SERVICE));

  /** Hears which names the events come down to, and which of them with a priority. */
  private static final class Names implements MetricsSink {
    final Set<MetricName> all = EnumSet.noneOf(MetricName.class);
    final Set<MetricName> byPriority = EnumSet.noneOf(MetricName.class);

    @Override
    public void record(MetricName name, @Nullable Priority priority, double value) {
      all.add(name);
      if (priority != null) {
        byPriority.add(name);
      }
    }

    static Names ofEvents() {
      Names names = new Names();
      names.messageQueued(Priority.HIGH, Duration.ZERO);
      names.messageSent(Priority.HIGH, Duration.ZERO, Duration.ZERO);
      names.messageFailed(Priority.HIGH);
      names.rateLimited(Priority.HIGH);
      names.messageStored(Priority.HIGH);
      names.messageReplayed(Priority.HIGH);
      names.circuitBreakerOpened();
      List.of(429, 503, 404).forEach(names::apiAnswered);
      names.deliveryEnded(true, Duration.ZERO);
      names.deliveryPaused();
      names.limiterClosed();
      names.queueDepth(1);
      names.fallbackDepth(1, Duration.ZERO);
      names.ambiguousSends(1);
      return names;
    }
  }

  private static Set<String> wireNames(Set<MetricName> names) {
    return names.stream().map(MetricName::wireName).collect(Collectors.toCollection(TreeSet::new));
  }

  private static List<Used> ofOurs() {
    return USED.stream().filter(used -> used.namespace().equals(MetricName.NAMESPACE)).toList();
  }

  @Test
  void every_metric_that_is_shown_is_one_the_code_emits() {
    assertThat(ofOurs())
        .isNotEmpty()
        .allSatisfy(
            used ->
                assertThat(wireNames(EnumSet.allOf(MetricName.class)))
                    .as(used.where())
                    .contains(used.name()));
  }

  @Test
  void every_metric_the_code_emits_is_shown_or_alarmed_on() {
    Set<String> shown = ofOurs().stream().map(Used::name).collect(Collectors.toSet());
    assertThat(shown)
        .containsExactlyInAnyOrderElementsOf(wireNames(EnumSet.allOf(MetricName.class)));
  }

  @Test
  void every_name_has_code_that_emits_it() {
    Set<MetricName> emitted = EnumSet.copyOf(Names.ofEvents().all);
    String sources =
        Repository.files().stream()
            .map(Path::toString)
            .filter(path -> path.contains("/src/main/java/") && !path.endsWith("MetricName.java"))
            .map(path -> Repository.read(Path.of(path)))
            .collect(Collectors.joining());
    Arrays.stream(MetricName.values())
        .filter(
            name ->
                sources.contains("MetricName." + name.name())
                    || sources.contains('"' + name.wireName() + '"'))
        .forEach(emitted::add);
    assertThat(emitted).containsExactlyInAnyOrder(MetricName.values());
  }

  @Test
  void every_event_is_told_by_somebody() {
    Pattern call = Pattern.compile("[mM]etrics(?:\\(\\))?\\s*(?:\\.|::)\\s*(\\w+)");
    Set<String> told =
        Repository.files().stream()
            .map(Path::toString)
            .filter(path -> path.contains("/src/main/java/") && !path.contains("/metrics/"))
            .flatMap(path -> call.matcher(Repository.read(Path.of(path))).results())
            .map(found -> found.group(1))
            .collect(Collectors.toSet());
    Set<String> events =
        Arrays.stream(MetricsSink.class.getDeclaredMethods())
            .filter(each -> each.isDefault() && each.getReturnType() == void.class)
            .map(Method::getName)
            .filter(name -> !name.equals("record"))
            .collect(Collectors.toSet());
    assertThat(events).hasSizeGreaterThan(10);
    assertThat(told).containsAll(events);
  }

  @Test
  void our_metrics_are_of_one_environment_and_maybe_a_priority() {
    Set<String> byPriority = wireNames(Names.ofEvents().byPriority);
    Set<String> priorities =
        Arrays.stream(Priority.values()).map(Priority::wireName).collect(Collectors.toSet());
    assertThat(ofOurs())
        .allSatisfy(
            used -> {
              assertThat(used.dimensions().keySet())
                  .as("%s, %s", used.where(), used.name())
                  .contains("Environment")
                  .isSubsetOf("Environment", "Priority");
              assertThat(used.dimensions().get("Environment"))
                  .isIn("var.environment", "environment");
              if (used.dimensions().containsKey("Priority")) {
                assertThat(byPriority).contains(used.name());
                assertThat(priorities).contains(used.dimensions().get("Priority"));
              }
            });
  }

  @Test
  void metrics_of_aws_are_those_it_publishes_by_their_dimensions() {
    assertThat(USED)
        .filteredOn(used -> !used.namespace().equals(MetricName.NAMESPACE))
        .isNotEmpty()
        .allSatisfy(
            used -> {
              Map<String, Set<String>> published = BY_AWS.get(used.namespace());
              assertThat(published).as("%s, %s", used.where(), used.namespace()).isNotNull();
              assertThat(published.get(used.name()))
                  .as("%s, %s", used.where(), used.name())
                  .isEqualTo(used.dimensions().keySet());
            });
  }

  @Test
  void metrics_of_aws_are_those_of_the_queues_function_and_service_that_are_made() {
    assertThat(USED)
        .filteredOn(used -> !used.namespace().equals(MetricName.NAMESPACE))
        .allSatisfy(
            used ->
                assertThat(used.dimensions().values())
                    .as(used.where())
                    .isSubsetOf(
                        "aws_sqs_queue.entry.name",
                        "aws_sqs_queue.entry_dead_letters.name",
                        "aws_sqs_queue.workflow.name",
                        "aws_sqs_queue.workflow_dead_letters.name",
                        "aws_lambda_function.rate_limiter.function_name",
                        "aws_ecs_cluster.this.name",
                        "aws_ecs_service.worker.name",
                        // the same, as the dashboards' templates know them
                        "entry_queue",
                        "entry_dead_letters",
                        "workflow_queue",
                        "workflow_dead_letters",
                        "function_name",
                        "cluster",
                        "service"));
  }
}
