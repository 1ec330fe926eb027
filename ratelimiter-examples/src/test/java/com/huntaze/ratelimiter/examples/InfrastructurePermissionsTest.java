package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** Each role may do what its code calls, and nothing else. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructurePermissionsTest {
  private static final String OURS = "com.huntaze.ratelimiter.";
  private static final Terraform TERRAFORM = Terraform.read();
  private static final SourceGraph CODE = SourceGraph.read();

  private static final String KMS_OF_SQS = "kms:Decrypt kms:GenerateDataKey";

  /** What AWS does in the role's name, which no source shows. */
  private static final Map<String, Set<String>> BY_AWS =
      Map.of(
          "function",
          actions(
              "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes " // the event source
                  + KMS_OF_SQS
                  + " logs:CreateLogStream logs:PutLogEvents"
                  + " ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface"
                  + " ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces"
                  + " ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses"),
          "worker",
          actions(KMS_OF_SQS),
          "client",
          actions(KMS_OF_SQS),
          "worker_execution",
          actions(
              "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:BatchGetImage"
                  + " ecr:GetDownloadUrlForLayer logs:CreateLogStream logs:PutLogEvents"));

  /** Where each action goes: the table of ratelimiter-lambda/README.md, and the worker's. */
  private static final Map<String, Map<String, Set<String>>> WHERE =
      Map.of(
          "function",
          Map.of(
              "aws_sqs_queue.entry.arn",
              actions(
                  "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes"
                      + " sqs:ReceiveMessage"),
              "aws_sqs_queue.entry_dead_letters.arn",
              actions("sqs:GetQueueUrl sqs:SendMessage"),
              "aws_sqs_queue.workflow.arn",
              actions("sqs:SendMessage")),
          "worker",
          Map.of(
              "aws_sqs_queue.workflow.arn",
              actions(
                  "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes"
                      + " sqs:ReceiveMessage"),
              "aws_sqs_queue.workflow_dead_letters.arn",
              actions("sqs:GetQueueUrl sqs:SendMessage")),
          "client",
          Map.of(
              "aws_sqs_queue.entry.arn",
              actions("sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage"),
              "aws_sqs_queue.entry_dead_letters.arn",
              actions("sqs:GetQueueAttributes sqs:GetQueueUrl")));

  /** AWS knows no narrower resource for these. */
  private static final Set<String> ANY_RESOURCE =
      actions(
          "cloudwatch:PutMetricData ecr:GetAuthorizationToken ec2:AssignPrivateIpAddresses"
              + " ec2:CreateNetworkInterface ec2:DeleteNetworkInterface"
              + " ec2:DescribeNetworkInterfaces ec2:DescribeSubnets"
              + " ec2:UnassignPrivateIpAddresses");

  private static Set<String> actions(String names) {
    return new TreeSet<>(List.of(names.split(" ")));
  }

  private static Set<String> called(String role) {
    Map<String, String> sources =
        switch (role) {
          case "function" -> CODE.from(OURS + "lambda.RateLimiterHandler");
          case "worker" -> CODE.from(OURS + "examples.worker.WorkerProcess");
          case "client" ->
              CODE.from(
                  OURS + "RateLimitedOnlyFansClient",
                  OURS + "sqs.SqsMessageSink",
                  OURS + "cloudwatch.CloudWatchMetricsSink");
          default -> Map.of();
        };
    return SourceGraph.actions(sources);
  }

  @Test
  void each_role_may_do_what_its_code_calls_and_nothing_else() {
    for (String role : BY_AWS.keySet()) {
      Set<String> needed = new TreeSet<>(called(role));
      needed.addAll(BY_AWS.get(role));
      Set<String> allowed = new TreeSet<>();
      statements(role).forEach(each -> allowed.addAll(Terraform.texts(each.path("actions"))));
      assertThat(allowed).as(role).isEqualTo(needed);
    }
  }

  @Test
  void what_the_code_calls_is_found_at_all() {
    assertThat(called("function"))
        .contains(
            "sqs:SendMessage", "sqs:ChangeMessageVisibility", "secretsmanager:GetSecretValue");
    assertThat(called("worker"))
        .contains("sqs:ReceiveMessage", "s3:PutObject", "secretsmanager:GetSecretValue");
    assertThat(called("client")).contains("sqs:SendMessage").doesNotContain("sqs:ReceiveMessage");
  }

  @Test
  void each_queue_may_be_used_by_those_alone_who_have_to() {
    WHERE.forEach(
        (role, expected) -> {
          Map<String, Set<String>> found = new TreeMap<>();
          for (JsonNode statement : statements(role)) {
            for (String resource : Terraform.texts(statement.path("resources"))) {
              if (resource.startsWith("aws_sqs_queue.")) {
                found
                    .computeIfAbsent(resource, any -> new TreeSet<>())
                    .addAll(Terraform.texts(statement.path("actions")));
              }
            }
          }
          assertThat(found).as(role).isEqualTo(new TreeMap<>(expected));
        });
  }

  @Test
  void each_role_may_read_the_secrets_that_its_settings_name_and_no_others() {
    List<String> function = new ArrayList<>();
    Terraform.children(
            TERRAFORM.resource("aws_lambda_function", "rate_limiter").at("/environment/variables"))
        .forEach((name, value) -> addSecret(function, name, value));
    List<String> worker = new ArrayList<>();
    TERRAFORM
        .resource("aws_ecs_task_definition", "worker")
        .path("container_definitions")
        .get(0)
        .path("environment")
        .forEach(each -> addSecret(worker, each.path("name").asText(), each.path("value")));
    assertThat(function).isNotEmpty();
    assertThat(worker).isNotEmpty();
    documents()
        .forEach(
            (name, statements) -> {
              List<String> may = new ArrayList<>();
              for (JsonNode statement : statements) {
                if (Terraform.texts(statement.path("actions"))
                    .contains("secretsmanager:GetSecretValue")) {
                  may.addAll(Terraform.texts(statement.path("resources")));
                }
              }
              List<String> named =
                  name.equals("function") ? function : name.equals("worker") ? worker : List.of();
              assertThat(may).as(name).containsExactlyInAnyOrderElementsOf(named);
            });
  }

  private static void addSecret(List<String> secrets, String setting, JsonNode value) {
    if (setting.endsWith("_SECRET")) {
      secrets.add(value.asText());
    }
  }

  @Test
  void no_action_is_a_wildcard() {
    assertThat(documents()).isNotEmpty();
    documents()
        .forEach(
            (name, statements) ->
                assertThat(statements)
                    .as(name)
                    .isNotEmpty()
                    .allSatisfy(
                        each ->
                            assertThat(Terraform.texts(each.path("actions")))
                                .isNotEmpty()
                                .allMatch(action -> action.matches("[a-z0-9]+:[A-Za-z0-9]+"))));
  }

  @Test
  void any_resource_is_allowed_only_where_aws_takes_nothing_narrower() {
    documents()
        .forEach(
            (name, statements) -> {
              for (JsonNode statement : statements) {
                // In a key's own policy it is that key.
                if (!name.equals("key")
                    && Terraform.texts(statement.path("resources")).contains("*")) {
                  assertThat(ANY_RESOURCE)
                      .as(name)
                      .containsAll(Terraform.texts(statement.path("actions")));
                }
              }
            });
  }

  @Test
  void metrics_go_to_our_namespace_alone() {
    List<JsonNode> metrics = new ArrayList<>();
    documents().values().forEach(metrics::addAll);
    metrics.removeIf(
        each -> !Terraform.texts(each.path("actions")).contains("cloudwatch:PutMetricData"));
    assertThat(metrics)
        .hasSize(2)
        .allSatisfy(
            each -> {
              assertThat(each.at("/condition/variable").asText()).isEqualTo("cloudwatch:namespace");
              assertThat(Terraform.texts(each.at("/condition/values")))
                  .containsExactly("Huntaze/OnlyFans");
            });
  }

  @Test
  void queues_and_bucket_are_closed_to_whoever_comes_without_tls() {
    Map<String, String> policies = new TreeMap<>();
    TERRAFORM
        .resources("aws_sqs_queue_policy")
        .forEach((name, policy) -> policies.put(name, policy.path("policy").asText()));
    assertThat(policies).containsOnlyKeys(TERRAFORM.resources("aws_sqs_queue").keySet());
    policies.put(
        "results", TERRAFORM.resource("aws_s3_bucket_policy", "results").at("/policy").asText());
    policies.forEach(
        (name, document) -> {
          assertThat(document).isEqualTo("data.aws_iam_policy_document." + name + "_tls.json");
          JsonNode deny = documents().get(name + "_tls").get(0);
          assertThat(deny.path("effect").asText()).isEqualTo("Deny");
          assertThat(Terraform.texts(deny.path("resources"))).anyMatch(each -> each.contains(name));
          assertThat(deny.at("/condition/variable").asText()).isEqualTo("aws:SecureTransport");
          assertThat(Terraform.texts(deny.at("/condition/values"))).containsExactly("false");
        });
  }

  @Test
  void every_role_has_its_document_and_no_managed_policy() {
    TERRAFORM
        .resources("aws_iam_role_policy")
        .forEach(
            (name, policy) ->
                assertThat(policy.path("policy").asText())
                    .isEqualTo("data.aws_iam_policy_document." + name + ".json"));
    assertThat(TERRAFORM.resources("aws_iam_role_policy"))
        .containsOnlyKeys(TERRAFORM.resources("aws_iam_role").keySet());
    assertThat(TERRAFORM.resources("aws_iam_role_policy_attachment")).isEmpty();
  }

  private static List<JsonNode> statements(String document) {
    List<JsonNode> found = documents().get(document);
    assertThat(found).as(document).isNotNull();
    return found;
  }

  private static Map<String, List<JsonNode>> documents() {
    Map<String, List<JsonNode>> documents = new TreeMap<>();
    TERRAFORM
        .data("aws_iam_policy_document")
        .forEach(
            (name, document) -> {
              List<JsonNode> statements =
                  new ArrayList<>(Terraform.list(document.path("statement")));
              Terraform.list(document.at("/dynamic/statement"))
                  .forEach(each -> statements.add(each.path("content")));
              documents.put(name, statements);
            });
    return documents;
  }
}
