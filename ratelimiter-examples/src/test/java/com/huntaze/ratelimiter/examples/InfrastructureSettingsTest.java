package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** Function and worker are given the settings that their code reads, and no others. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureSettingsTest {
  private static final String OURS = "com.huntaze.ratelimiter.";
  private static final Terraform TERRAFORM = Terraform.read();
  private static final Pattern NAME = Pattern.compile("\"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\"");
  private static final Pattern FIELD =
      Pattern.compile("this\\.(\\w+)\\s*=\\s*(read[^;]*);", Pattern.DOTALL);
  private static final Pattern TEXT =
      Pattern.compile("(\\w+)\\(\\) \\{\\s*return text\\(\"(\\w+)\"\\)");
  private static final Pattern SETTING =
      Pattern.compile("(?:config|sdk\\(\\)|sdk)\\s*\\.(\\w+)\\(");
  private static final Pattern SECRET = Pattern.compile("\\.secret\\(\"(\\w+)\"\\)");

  /** What the JVM reads by itself. */
  private static final String JVM = "JAVA_TOOL_OPTIONS";

  private static final Set<String> REQUIRED_OF_FUNCTION =
      Set.of("SQS_RATE_LIMITER_QUEUE", "SQS_WORKFLOW_QUEUE", "REDIS_URL");
  private static final Set<String> REQUIRED_OF_WORKER =
      Set.of("SQS_WORKFLOW_QUEUE", "REDIS_URL", "DATABASE_URL", "ONLYFANS_API_URL");

  /** The names of the environment by the accessor of RateLimiterConfig that reads them. */
  private static Map<String, Set<String>> byAccessor() {
    String source =
        SourceGraphs.CODE.from(OURS + "RateLimiterConfig").get(OURS + "RateLimiterConfig");
    Map<String, Set<String>> names = new HashMap<>();
    Matcher field = FIELD.matcher(source);
    while (field.find()) {
      names.put(field.group(1), names(field.group(2)));
    }
    Matcher text = TEXT.matcher(source);
    while (text.find()) {
      names.put(text.group(1), Set.of(text.group(2)));
    }
    return names;
  }

  private static final class SourceGraphs {
    static final SourceGraph CODE = SourceGraph.read();
  }

  private static Set<String> names(String source) {
    Set<String> names = new TreeSet<>();
    NAME.matcher(source).results().forEach(name -> names.add(name.group(1)));
    return names;
  }

  /** What a program reads: by the SDK's settings, its secrets, or names of its own. */
  private static Set<String> read(String root) {
    Map<String, Set<String>> byAccessor = byAccessor();
    Set<String> read = new TreeSet<>();
    SourceGraphs.CODE
        .from(root)
        .forEach(
            (name, source) -> {
              SETTING
                  .matcher(source)
                  .results()
                  .forEach(use -> read.addAll(byAccessor.getOrDefault(use.group(1), Set.of())));
              SECRET.matcher(source).results().forEach(use -> read.add(use.group(1)));
              if (name.startsWith(OURS + "examples.worker.")
                  || name.equals(OURS + "lambda.Settings")) {
                read.addAll(names(source));
              }
            });
    return read;
  }

  private static Map<String, String> ofFunction() {
    Map<String, String> given = new TreeMap<>();
    Terraform.children(
            TERRAFORM.resource("aws_lambda_function", "rate_limiter").at("/environment/variables"))
        .forEach((name, value) -> given.put(name, value.asText()));
    return given;
  }

  private static JsonNode container() {
    return TERRAFORM
        .resource("aws_ecs_task_definition", "worker")
        .path("container_definitions")
        .get(0);
  }

  private static Map<String, String> ofWorker() {
    Map<String, String> given = new TreeMap<>();
    container()
        .path("environment")
        .forEach(each -> given.put(each.path("name").asText(), each.path("value").asText()));
    return given;
  }

  @Test
  void the_function_is_given_what_it_reads_and_all_that_it_needs() {
    Set<String> read = read(OURS + "lambda.RateLimiterHandler");
    read.add(JVM);
    assertThat(ofFunction()).containsKeys(REQUIRED_OF_FUNCTION.toArray(String[]::new));
    assertThat(read).containsAll(ofFunction().keySet()).containsAll(REQUIRED_OF_FUNCTION);
    assertThat(ofFunction())
        .containsEntry("SQS_RATE_LIMITER_QUEUE", "aws_sqs_queue.entry.url")
        .containsEntry("SQS_WORKFLOW_QUEUE", "aws_sqs_queue.workflow.url")
        .containsEntry("ENVIRONMENT", "var.environment");
    // Lambda sets these itself, and refuses a function that does
    assertThat(ofFunction().keySet()).noneMatch(name -> name.startsWith("AWS_"));
  }

  @Test
  void the_worker_is_given_what_it_reads_and_all_that_it_needs() {
    Set<String> read = read(OURS + "examples.worker.WorkerProcess");
    read.add(JVM);
    assertThat(REQUIRED_OF_WORKER)
        .allMatch(name -> ofWorker().containsKey(name) || ofWorker().containsKey(name + "_SECRET"));
    assertThat(read).containsAll(ofWorker().keySet()).containsAll(REQUIRED_OF_WORKER);
    assertThat(ofWorker())
        .containsEntry("SQS_WORKFLOW_QUEUE", "aws_sqs_queue.workflow.url")
        .containsEntry("WORKER_RESULTS_BUCKET", "aws_s3_bucket.results.bucket")
        .containsEntry("ENVIRONMENT", "var.environment");
  }

  @Test
  void what_must_be_set_is_what_the_code_says() {
    SourceGraph code = SourceGraphs.CODE;
    String function = OURS + "lambda.Settings";
    assertThat(names(code.from(function).get(function).replace(" must be", "\"")))
        .containsAll(List.of("SQS_RATE_LIMITER_QUEUE", "REDIS_URL", "SQS_WORKFLOW_QUEUE"));
    String worker = OURS + "examples.worker.WorkerSettings";
    Set<String> required = new TreeSet<>();
    Pattern.compile("required\\(\"(\\w+)\"")
        .matcher(code.from(worker).get(worker))
        .results()
        .forEach(name -> required.add(name.group(1)));
    assertThat(required).isEqualTo(new TreeSet<>(REQUIRED_OF_WORKER));
  }

  @Test
  void secrets_come_from_secrets_manager_and_are_rotated_where_that_can_be() {
    assertThat(ofWorker())
        .containsEntry("ONLYFANS_API_KEY_SECRET", "var.api_key_secret_arn")
        .containsEntry("DATABASE_URL_SECRET", "var.database_url_secret_arn")
        .containsEntry("REDIS_AUTH_TOKEN_SECRET", "var.redis_auth_token_secret_arn");
    assertThat(ofFunction())
        .containsEntry("REDIS_AUTH_TOKEN_SECRET", "var.redis_auth_token_secret_arn");
    // What is given as a value is read once, and not again when it is rotated.
    assertThat(container().has("secrets")).isFalse();
    List<String> values = new ArrayList<>(ofWorker().values());
    values.addAll(ofFunction().values());
    assertThat(values).noneMatch(value -> value.contains("aws_secretsmanager_secret_version"));
    assertThat(
            TERRAFORM
                .resource("aws_secretsmanager_secret_rotation", "api_key")
                .at("/rotation_rules/automatically_after_days")
                .asInt())
        .isEqualTo(90);
  }

  @Test
  void redis_is_asked_by_tls() {
    assertThat(ofFunction().get("REDIS_URL")).startsWith("rediss://");
    assertThat(ofWorker().get("REDIS_URL")).startsWith("rediss://");
  }
}
