package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The figures of the infrastructure are those that the code and its guarantees stand on. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureTest {
  private static final Terraform TERRAFORM = Terraform.read();
  private static final int FOURTEEN_DAYS = 1_209_600;

  @Test
  void every_file_can_be_read() {
    for (Path directory : List.of(Terraform.ROOT, Terraform.ROOT.resolve("example"))) {
      assertThat(Terraform.files(directory))
          .isNotEmpty()
          .allSatisfy(file -> Terraform.parse(Repository.read(file), file.toString()));
    }
  }

  @Test
  void what_is_referred_to_exists() {
    Pattern reference =
        Pattern.compile(
            "(?<![\\w.\"])(data\\.)?(aws_\\w+)\\.(\\w+)|(?<![\\w.])(var|local)\\.(\\w+)");
    StringBuilder everything = new StringBuilder();
    Terraform.files(Terraform.ROOT).forEach(file -> everything.append(Repository.read(file)));
    Set<String> missing = new TreeSet<>();
    reference
        .matcher(everything.toString().replaceAll("(?m)#.*$", ""))
        .results()
        .forEach(
            found -> {
              boolean exists;
              if ("var".equals(found.group(4))) {
                exists = TERRAFORM.variables().containsKey(found.group(5));
              } else if ("local".equals(found.group(4))) {
                exists = TERRAFORM.locals().containsKey(found.group(5));
              } else if (found.group(1) != null) {
                exists = TERRAFORM.data(found.group(2)).containsKey(found.group(3));
              } else {
                exists = TERRAFORM.resources(found.group(2)).containsKey(found.group(3));
              }
              if (!exists) {
                missing.add(found.group());
              }
            });
    assertThat(missing).isEmpty();
  }

  @Test
  void every_variable_says_what_it_is_and_is_used() {
    StringBuilder everything = new StringBuilder();
    Terraform.files(Terraform.ROOT).stream()
        .filter(file -> !file.endsWith("variables.tf"))
        .forEach(file -> everything.append(Repository.read(file)));
    String readme = Repository.read("infra/terraform/README.md");
    TERRAFORM
        .variables()
        .forEach(
            (name, variable) -> {
              assertThat(variable.path("description").asText()).as(name).isNotBlank();
              assertThat(variable.has("type")).as(name).isTrue();
              assertThat(everything.toString()).contains("var." + name);
              assertThat(readme).contains("`" + name + "`");
            });
    TERRAFORM
        .outputs()
        .forEach((name, output) -> assertThat(output.path("description").asText()).isNotBlank());
  }

  @Test
  void the_example_gives_the_module_what_it_needs_and_nothing_else() {
    JsonNode call =
        Terraform.parse(
                Repository.read(Terraform.ROOT.resolve("example/main.tf")), "example/main.tf")
            .at("/module/rate_limiter");
    Set<String> given = new TreeSet<>(Terraform.children(call).keySet());
    given.remove("source");
    assertThat(TERRAFORM.variables().keySet()).containsAll(given);
    TERRAFORM
        .variables()
        .forEach(
            (name, variable) -> {
              if (!variable.has("default")) {
                assertThat(given).contains(name);
              }
            });
  }

  @Test
  void every_queue_keeps_its_messages_a_fortnight_waits_long_and_is_encrypted_by_a_rotating_key() {
    Map<String, JsonNode> queues = TERRAFORM.resources("aws_sqs_queue");
    assertThat(queues)
        .containsOnlyKeys("entry", "entry_dead_letters", "workflow", "workflow_dead_letters");
    queues.forEach(
        (name, queue) -> {
          assertThat(queue.path("message_retention_seconds").asInt()).isEqualTo(FOURTEEN_DAYS);
          assertThat(queue.path("receive_wait_time_seconds").asInt()).isEqualTo(20);
          assertThat(queue.path("kms_master_key_id").asText()).isEqualTo("aws_kms_key.this.arn");
          boolean fifo = name.startsWith("workflow");
          assertThat(queue.path("fifo_queue").asBoolean()).isEqualTo(fifo);
          assertThat(queue.path("name").asText().endsWith(".fifo")).isEqualTo(fifo);
        });
    assertThat(TERRAFORM.resource("aws_kms_key", "this").path("enable_key_rotation").asBoolean())
        .isTrue();
  }

  @Test
  void the_entry_queue_counts_a_thousand_receives_and_the_workflow_queue_three() {
    redrives("entry", 1_000);
    redrives("workflow", 3);
  }

  private static void redrives(String name, int receives) {
    JsonNode policy = TERRAFORM.resource("aws_sqs_queue", name).path("redrive_policy");
    assertThat(policy.path("maxReceiveCount").asInt()).as(name).isEqualTo(receives);
    assertThat(policy.path("deadLetterTargetArn").asText())
        .isEqualTo("aws_sqs_queue." + name + "_dead_letters.arn");
    JsonNode allowed =
        TERRAFORM
            .resource("aws_sqs_queue_redrive_allow_policy", name + "_dead_letters")
            .path("redrive_allow_policy");
    assertThat(allowed.path("redrivePermission").asText()).isEqualTo("byQueue");
    assertThat(Terraform.texts(allowed.path("sourceQueueArns")))
        .containsExactly("aws_sqs_queue." + name + ".arn");
  }

  @Test
  void a_message_in_hand_is_hidden_for_six_functions_or_five_minutes() {
    int timeout = TERRAFORM.resource("aws_lambda_function", "rate_limiter").path("timeout").asInt();
    assertThat(timeout).isEqualTo(30);
    assertThat(visibility("entry")).isGreaterThanOrEqualTo(6 * timeout);
    assertThat(visibility("workflow")).isEqualTo(300);
  }

  private static int visibility(String name) {
    return TERRAFORM.resource("aws_sqs_queue", name).path("visibility_timeout_seconds").asInt();
  }

  @Test
  void the_event_source_reports_item_by_item_and_runs_two_at_once_without_a_reservation() {
    JsonNode source = TERRAFORM.resource("aws_lambda_event_source_mapping", "entry");
    assertThat(Terraform.texts(source.path("function_response_types")))
        .containsExactly("ReportBatchItemFailures");
    assertThat(source.at("/scaling_config/maximum_concurrency").asInt()).isEqualTo(2);
    assertThat(source.path("batch_size").asInt()).isEqualTo(10);
    assertThat(source.path("event_source_arn").asText()).isEqualTo("aws_sqs_queue.entry.arn");
    assertThat(source.path("function_name").asText()).isEqualTo("aws_lambda_alias.live.arn");
    JsonNode function = TERRAFORM.resource("aws_lambda_function", "rate_limiter");
    assertThat(function.has("reserved_concurrent_executions")).isFalse();
    assertThat(function.at("/snap_start/apply_on").asText()).isEqualTo("PublishedVersions");
    assertThat(function.path("publish").asBoolean()).isTrue();
  }

  @Test
  void the_function_is_the_handler_that_there_is() {
    String handler =
        TERRAFORM.resource("aws_lambda_function", "rate_limiter").path("handler").asText();
    String[] parts = handler.split("::");
    String source = SourceGraph.read().from(parts[0]).get(parts[0]);
    assertThat(source).contains("public void " + parts[1] + "(");
  }

  @Test
  void the_worker_is_of_the_size_on_the_processor_and_for_the_most_part_on_spot_as_asked() {
    JsonNode task = TERRAFORM.resource("aws_ecs_task_definition", "worker");
    assertThat(task.path("cpu").asInt()).isEqualTo(1_024);
    assertThat(task.path("memory").asInt()).isEqualTo(2_048);
    assertThat(task.at("/runtime_platform/cpu_architecture").asText()).isEqualTo("ARM64");
    JsonNode service = TERRAFORM.resource("aws_ecs_service", "worker");
    assertThat(Terraform.list(service.path("capacity_provider_strategy")))
        .extracting(
            each -> each.path("capacity_provider").asText() + " " + each.path("weight").asInt())
        .containsExactlyInAnyOrder("FARGATE_SPOT 70", "FARGATE 30");
    assertThat(service.at("/network_configuration/assign_public_ip").asBoolean()).isFalse();
    assertThat(service.at("/network_configuration").has("assign_public_ip")).isTrue();
  }

  @Test
  void the_worker_may_finish_before_it_is_killed_and_is_asked_how_it_is() {
    JsonNode container =
        TERRAFORM
            .resource("aws_ecs_task_definition", "worker")
            .path("container_definitions")
            .get(0);
    assertThat(container.path("stopTimeout").asInt()).isEqualTo(120);
    assertThat(environment(container, "WORKER_STOP_SECONDS")).isLessThan(120);
    String dockerfile = Repository.read("ratelimiter-examples/Dockerfile");
    List<String> command = Terraform.texts(container.at("/healthCheck/command"));
    String probe = String.join("\", \"", command.subList(1, command.size()));
    assertThat(dockerfile).contains("CMD [\"" + probe + "\"]");
    assertThat(dockerfile).contains("EXPOSE " + environment(container, "WORKER_HEALTH_PORT"));
  }

  private static int environment(JsonNode container, String name) {
    for (JsonNode each : container.path("environment")) {
      if (each.path("name").asText().equals(name)) {
        return each.path("value").asInt();
      }
    }
    throw new AssertionError(name + " is not set");
  }

  @Test
  void workers_follow_the_queue_but_are_never_more_than_permits() {
    JsonNode tracking =
        TERRAFORM
            .resource("aws_appautoscaling_policy", "worker")
            .path("target_tracking_scaling_policy_configuration");
    assertThat(tracking.path("target_value").asInt()).isEqualTo(100);
    assertThat(tracking.path("scale_in_cooldown").asInt()).isEqualTo(300);
    assertThat(tracking.path("scale_out_cooldown").asInt()).isEqualTo(60);
    JsonNode target = TERRAFORM.resource("aws_appautoscaling_target", "worker");
    assertThat(target.path("min_capacity").asText()).isEqualTo("var.worker_min_count");
    assertThat(target.path("max_capacity").asText()).isEqualTo("local.worker_max_count");
    assertThat(Repository.read(Terraform.ROOT.resolve("locals.tf")))
        .contains("worker_max_count = min(var.worker_max_count, var.rate_limit.permits)");
    assertThat(TERRAFORM.variables().get("worker_min_count").path("default").asInt()).isOne();
    assertThat(TERRAFORM.variables().get("worker_max_count").path("default").asInt()).isEqualTo(10);
  }

  @Test
  void redis_refuses_rather_than_forgets_and_fails_over_by_itself() {
    JsonNode redis = TERRAFORM.resource("aws_elasticache_replication_group", "this");
    assertThat(redis.path("transit_encryption_enabled").asBoolean()).isTrue();
    assertThat(redis.path("at_rest_encryption_enabled").asBoolean()).isTrue();
    assertThat(redis.path("automatic_failover_enabled").asBoolean()).isTrue();
    assertThat(redis.path("auth_token").asText())
        .isEqualTo("data.aws_secretsmanager_secret_version.redis_auth_token.secret_string");
    assertThat(TERRAFORM.variables().get("redis_replica_count").path("default").asInt()).isOne();
    assertThat(
            Terraform.list(
                TERRAFORM.resource("aws_elasticache_parameter_group", "this").path("parameter")))
        .extracting(each -> each.path("name").asText() + " " + each.path("value").asText())
        .contains("maxmemory-policy noeviction", "min-replicas-to-write 1");
  }

  @Test
  void results_are_encrypted_private_and_end_one_day() {
    assertThat(
            TERRAFORM
                .resource("aws_s3_bucket_server_side_encryption_configuration", "results")
                .at("/rule/apply_server_side_encryption_by_default/sse_algorithm")
                .asText())
        .isEqualTo("AES256");
    JsonNode access = TERRAFORM.resource("aws_s3_bucket_public_access_block", "results");
    for (String block :
        List.of(
            "block_public_acls",
            "block_public_policy",
            "ignore_public_acls",
            "restrict_public_buckets")) {
      assertThat(access.path(block).asBoolean()).as(block).isTrue();
    }
    assertThat(
            TERRAFORM
                .resource("aws_s3_bucket_lifecycle_configuration", "results")
                .at("/rule/expiration/days")
                .asText())
        .isEqualTo("var.results_retention_days");
  }

  @Test
  void logs_are_encrypted_and_kept_by_environment() {
    Map<String, JsonNode> groups = TERRAFORM.resources("aws_cloudwatch_log_group");
    assertThat(groups).containsOnlyKeys("function", "worker");
    groups.forEach(
        (name, group) -> {
          assertThat(group.path("kms_key_id").asText()).isEqualTo("aws_kms_key.this.arn");
          assertThat(group.path("retention_in_days").asText())
              .isEqualTo("local.log_retention_days");
        });
    JsonNode days = TERRAFORM.locals().get("log_retention_by_environment");
    assertThat(days.path("production").asInt()).isEqualTo(90);
    assertThat(days.path("staging").asInt()).isEqualTo(30);
    assertThat(days.path("development").asInt()).isEqualTo(7);
  }

  @Test
  void the_network_has_endpoints_for_aws_one_way_out_and_no_way_in() {
    assertThat(
            Terraform.texts(TERRAFORM.resource("aws_vpc_endpoint", "s3").path("vpc_endpoint_type")))
        .containsExactly("Gateway");
    assertThat(
            Terraform.children(TERRAFORM.resource("aws_vpc_endpoint", "interface").path("for_each"))
                .values())
        .extracting(JsonNode::asText)
        .containsExactlyInAnyOrder(
            "sqs", "secretsmanager", "ecr.api", "ecr.dkr", "logs", "monitoring");
    Map<String, JsonNode> ways = TERRAFORM.resources("aws_vpc_security_group_ingress_rule");
    assertThat(ways)
        .isNotEmpty()
        .allSatisfy(
            (name, way) -> {
              assertThat(way.path("security_group_id").asText())
                  .isIn("aws_security_group.redis.id", "aws_security_group.endpoints.id");
              assertThat(way.path("referenced_security_group_id").asText())
                  .isIn("aws_security_group.function.id", "aws_security_group.worker.id");
              assertThat(way.has("cidr_ipv4")).isFalse();
            });
    assertThat(TERRAFORM.resources("aws_security_group"))
        .allSatisfy(
            (name, group) -> assertThat(group.has("ingress") || group.has("egress")).isFalse());
    assertThat(TERRAFORM.resources("aws_vpc_security_group_egress_rule"))
        .containsKeys("worker_to_api", "worker_to_proxy")
        .allSatisfy(
            (name, way) ->
                assertThat(way.path("cidr_ipv4").asText().equals("0.0.0.0/0"))
                    .as(name)
                    .isEqualTo(name.equals("worker_to_api")));
    assertThat(TERRAFORM.resources("aws_subnet"))
        .allSatisfy(
            (name, subnet) ->
                assertThat(subnet.path("map_public_ip_on_launch").asBoolean(true)).isFalse());
  }
}
