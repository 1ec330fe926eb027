package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.sqs.model.Message;

/** The file that is deployed, in a JVM of its own under the runtime interface client of AWS. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class DeployableTest {
  private static final Path ZIP = Path.of(System.getProperty("deployable", "unset"));

  @TempDir private Path directory;

  private static void unpack(Path into) throws IOException {
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(ZIP))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Path file = into.resolve(entry.getName()).normalize();
        if (!entry.isDirectory()) {
          Files.createDirectories(file.getParent());
          Files.copy(zip, file);
        }
      }
    }
  }

  /** What AWS has in its image beside the function. */
  private static String runtimeInterfaceClient() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(
            jar ->
                jar.contains("aws-lambda-java-runtime-interface-client")
                    || jar.contains("aws-lambda-java-serialization")
                    || jar.contains("aws-lambda-java-core")
                    || jar.contains("utils-lite"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private Process start(Map<String, String> environment, RuntimeApi api) throws IOException {
    unpack(directory);
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:ErrorFile=" + directory.resolve("crash"),
            "-Xlog:class+load:file=" + directory.resolve("classes"),
            "-cp",
            runtimeInterfaceClient() + File.pathSeparator + directory.resolve("lib") + "/*",
            "com.amazonaws.services.lambda.runtime.api.client.AWSLambda",
            "com.huntaze.ratelimiter.lambda.RateLimiterHandler::handleRequest");
    builder.environment().putAll(environment);
    builder.environment().put("AWS_LAMBDA_RUNTIME_API", api.address());
    builder.environment().put("AWS_LAMBDA_FUNCTION_NAME", "gate");
    builder.environment().put("AWS_LAMBDA_FUNCTION_VERSION", "1");
    builder.environment().put("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512");
    builder.environment().put("LAMBDA_TASK_ROOT", directory.toString());
    return builder
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("log").toFile())
        .start();
  }

  @Test
  void the_deployed_file_answers_events_under_the_runtime_of_aws() throws Exception {
    try (Deployment deployment = new Deployment(false, "1/60s");
        RuntimeApi api = new RuntimeApi()) {
      List<Message> two =
          deployment.received(Deployment.body("m1"), Deployment.body("m2"), "no JSON");
      Process function = start(deployment.environment(), api);
      try {
        RuntimeApi.Answer answer = api.invoke(Events.of(deployment.entryName(), two));
        String log = Files.readString(directory.resolve("log"));
        assertThat(answer.isResponse()).as(log).isTrue();
        assertThat(Events.failures(answer.body().getBytes(UTF_8))).as(log).hasSize(1);
        assertThat(deployment.visible(deployment.workflow)).isEqualTo(1);
        assertThat(deployment.visible(deployment.entry.deadLetterUrl())).isEqualTo(1);

        answer = api.invoke("no event".getBytes(UTF_8));
        assertThat(Events.failures(answer.body().getBytes(UTF_8))).containsExactly("");

        assertThat(Files.readString(directory.resolve("log")))
            .contains("Token bucket result allowed: true, retryAfter: 0, remainingTokens: 0")
            .contains("\"requestId\":\"request-1\"")
            .contains("\"rate_limit_allowed_count\":1,\"rate_limit_rejected_count\":1")
            .doesNotContain("secret", "SLF4J", "WARNING");
        assertThat(Files.readString(directory.resolve("classes")))
            .contains("com.huntaze.ratelimiter.lambda.LambdaSqs ")
            .as("what no setting asks for")
            .doesNotContain("com.huntaze.ratelimiter.lambda.SecretsManager ");
      } finally {
        function.destroy();
        function.waitFor(10, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void the_deployed_file_is_small_and_has_nothing_it_does_not_need() throws IOException {
    assertThat(Files.size(ZIP)).isLessThan(9L << 20);
    unpack(directory);
    try (var jars = Files.list(directory.resolve("lib"))) {
      assertThat(jars.map(jar -> jar.getFileName().toString()))
          .noneMatch(
              jar ->
                  jar.matches(
                      "(hibernate|netty|apache|httpc|cloudwatch|logback|failsafe|jackson-[^c]).*"));
    }
  }
}
