package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** The function's template deploys what the Terraform does. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class InfrastructureTemplateTest {
  private static final Terraform TERRAFORM = Terraform.read();
  private static final JsonNode TEMPLATE = template();

  private static JsonNode template() {
    try {
      return new ObjectMapper().readTree(Repository.read("infra/cloudformation/function.json"));
    } catch (JsonProcessingException e) {
      throw new AssertionError("the template is no JSON", e);
    }
  }

  private static JsonNode properties(String resource) {
    JsonNode found = TEMPLATE.path("Resources").path(resource).path("Properties");
    assertThat(found.isObject()).as(resource).isTrue();
    return found;
  }

  @Test
  void the_function_has_the_same_settings() {
    JsonNode function = properties("Function");
    JsonNode terraform = TERRAFORM.resource("aws_lambda_function", "rate_limiter");
    assertThat(Terraform.children(function.at("/Environment/Variables")).keySet())
        .isEqualTo(Terraform.children(terraform.at("/environment/variables")).keySet());
    assertThat(function.path("Handler").asText()).isEqualTo(terraform.path("handler").asText());
    assertThat(function.path("Timeout").asInt()).isEqualTo(terraform.path("timeout").asInt());
    assertThat(function.at("/Environment/Variables/JAVA_TOOL_OPTIONS").asText())
        .isEqualTo(terraform.at("/environment/variables/JAVA_TOOL_OPTIONS").asText());
    assertThat(function.at("/SnapStart/ApplyOn").asText()).isEqualTo("PublishedVersions");
    assertThat(function.has("ReservedConcurrentExecutions")).isFalse();
  }

  @Test
  void the_event_source_is_the_same() {
    JsonNode source = properties("Entry");
    assertThat(Terraform.texts(source.path("FunctionResponseTypes")))
        .containsExactly("ReportBatchItemFailures");
    assertThat(source.at("/ScalingConfig/MaximumConcurrency").asInt()).isEqualTo(2);
    assertThat(source.path("BatchSize").asInt()).isEqualTo(10);
    assertThat(source.at("/FunctionName/Ref").asText()).isEqualTo("Live");
  }

  @Test
  void the_role_may_do_the_same() {
    Set<String> template = new TreeSet<>();
    properties("Role")
        .at("/Policies/0/PolicyDocument/Statement")
        .forEach(
            each -> {
              JsonNode certain = each.has("Fn::If") ? each.at("/Fn::If/1") : each;
              template.add(statement(Terraform.texts(certain.path("Action"))));
            });
    Set<String> terraform = new TreeSet<>();
    JsonNode document = TERRAFORM.data("aws_iam_policy_document").get("function");
    Terraform.list(document.path("statement"))
        .forEach(each -> terraform.add(statement(Terraform.texts(each.path("actions")))));
    Terraform.list(document.at("/dynamic/statement"))
        .forEach(each -> terraform.add(statement(Terraform.texts(each.at("/content/actions")))));
    assertThat(template).isEqualTo(terraform);
  }

  private static String statement(Iterable<String> actions) {
    Set<String> sorted = new TreeSet<>();
    actions.forEach(sorted::add);
    return String.join(" ", sorted);
  }

  @Test
  void what_is_referred_to_exists() {
    Set<String> names = new TreeSet<>(Terraform.children(TEMPLATE.path("Parameters")).keySet());
    names.addAll(Terraform.children(TEMPLATE.path("Resources")).keySet());
    names.add("AWS::NoValue");
    assertThat(TEMPLATE.findValuesAsText("Ref")).isNotEmpty().allMatch(names::contains);
    Set<String> used = new TreeSet<>(TEMPLATE.findValuesAsText("Ref"));
    assertThat(used).containsAll(Terraform.children(TEMPLATE.path("Parameters")).keySet());
  }
}
