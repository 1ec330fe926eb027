package com.huntaze.ratelimiter.benchmarks;

import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.Scope;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.redis.RedisTokenBucket;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import redis.clients.jedis.RedisClient;

/**
 * From a process's start to its first answered event of ten, under the runtime client of AWS and a
 * local runtime API: our deployable file beside the same function on the stock defaults. Runs take
 * turns. In a container image both have an archive of their classes; a zip cannot.
 *
 * <p>{@code -Dbenchmarks.lambda=file.zip} names our file, which {@code mvn package} makes; {@code
 * -Dbenchmarks.lambda.runs=15} is how often each is started.
 */
final class LambdaPart {
  private static final String CLIENT = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda";
  private static final String LIMIT = "100000/60s";

  /** What Lambda's own runtimes set. */
  private static final List<String> LAMBDAS_FLAGS =
      List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private record Contestant(
      String name, List<String> options, String classPath, String handler, Samples samples) {
    Contestant(String name, List<String> options, String classPath, String handler) {
      this(name, options, classPath, handler, new Samples());
    }
  }

  private final Path zip =
      Path.of(
          System.getProperty(
              "benchmarks.lambda",
              "../ratelimiter-lambda/target/ratelimiter-lambda-0.1.0-SNAPSHOT.zip"));
  private final int runs = Integer.getInteger("benchmarks.lambda.runs", 15);
  private Path directory = Path.of(".");

  void run() throws IOException, InterruptedException {
    if (!Files.exists(zip)) {
      throw new IOException(zip + " is missing: mvn package -pl ratelimiter-lambda -am makes it");
    }
    directory = Files.createTempDirectory("lambda");
    try {
      unpack(zip, directory);
      measure();
    } finally {
      delete(directory);
    }
  }

  private void measure() throws IOException, InterruptedException {
    String ours = runtime() + jars(directory.resolve("lib"));
    String stock = stockClassPath();
    String us = "com.huntaze.ratelimiter.lambda.RateLimiterHandler::handleRequest";
    String them = StockLambda.class.getName() + "::handleRequest";
    try (RedisClient redis = RedisClient.create(LocalRedis.shared().uri())) {
      redis.flushDB();
      RedisTokenBucket.builder(redis)
          .gate()
          .limit(RateLimit.parse(LIMIT))
          .coldStart(RedisTokenBucket.ColdStart.EMPTY)
          .build()
          .state(Scope.global());
    }
    Map<String, String> environment = environment();
    Path ourArchive = archive("ours", ours, us, environment);
    Path stockArchive = archive("stock", stock, them, environment);
    Contestant stockPlain = new Contestant("stock, no flags", List.of(), stock, them);
    Contestant oursPlain = new Contestant("ours, no flags", List.of(), ours, us);
    Contestant stockFlags = new Contestant("stock, Lambda's flags", LAMBDAS_FLAGS, stock, them);
    Contestant oursFlags = new Contestant("ours, Lambda's flags", LAMBDAS_FLAGS, ours, us);
    Contestant stockShared =
        new Contestant("stock, container image", shared(stockArchive), stock, them);
    Contestant oursShared = new Contestant("ours, container image", shared(ourArchive), ours, us);
    List<Contestant> contestants =
        List.of(stockPlain, oursPlain, stockFlags, oursFlags, stockShared, oursShared);
    for (int round = 0; round <= runs; round++) {
      for (Contestant each : contestants) {
        double millis = start(each, environment);
        if (round > 0) { // the first fills the machine's caches
          each.samples().add(millis);
        }
      }
    }
    Table table = Table.titled("Cold start to first answer, ms", "function", "median", "best");
    contestants.forEach(
        each -> table.row(each.name(), each.samples().median(), each.samples().lowest()));
    Bars bars = new Bars("Cold start");
    bars.atMost("no flags", 0.6, oursPlain.samples(), stockPlain.samples());
    bars.atMost("Lambda's flags", 0.6, oursFlags.samples(), stockFlags.samples());
    bars.atMost("container image", 0.6, oursShared.samples(), stockShared.samples());
    System.out.printf(
        "%nOur file: %,d bytes. The stock function's jars: %,d bytes. Our archive: %,d bytes.%n",
        Files.size(zip), size(stock), Files.size(ourArchive));
  }

  /** Has a function answer once and leave an archive of its classes, as a build of an image may. */
  private Path archive(
      String name, String classPath, String handler, Map<String, String> environment)
      throws IOException, InterruptedException {
    Path archive = directory.resolve(name + ".jsa");
    List<String> dumping = new ArrayList<>(LAMBDAS_FLAGS);
    dumping.add("-XX:ArchiveClassesAtExit=" + archive);
    start(new Contestant(name, dumping, classPath, handler), environment);
    return archive;
  }

  private static List<String> shared(Path archive) {
    List<String> shared = new ArrayList<>(LAMBDAS_FLAGS);
    shared.addAll(List.of("-XX:SharedArchiveFile=" + archive, "-Xshare:auto"));
    return shared;
  }

  private static void delete(Path directory) throws IOException {
    List<Path> all;
    try (Stream<Path> paths = Files.walk(directory)) {
      all = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path each : all) {
      Files.delete(each);
    }
  }

  private double start(Contestant contestant, Map<String, String> environment)
      throws IOException, InterruptedException {
    try (LambdaRuntime api = new LambdaRuntime(event())) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(contestant.options());
      command.addAll(List.of("-cp", contestant.classPath(), CLIENT, contestant.handler()));
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().putAll(environment);
      builder.environment().put("AWS_LAMBDA_RUNTIME_API", api.address());
      builder
          .redirectErrorStream(true)
          .redirectOutput(Redirect.to(directory.resolve("log").toFile()));
      long start = System.nanoTime();
      Process process = builder.start();
      try {
        return (api.answered() - start) / 1e6;
      } catch (IOException e) {
        throw new IOException(Files.readString(directory.resolve("log")), e);
      } finally {
        process.destroy();
        process.waitFor(30, TimeUnit.SECONDS);
      }
    }
  }

  private static Map<String, String> environment() {
    return Map.of(
        "SQS_RATE_LIMITER_QUEUE",
        LocalSqs.shared().createQueue("entry"),
        "SQS_WORKFLOW_QUEUE",
        LocalSqs.shared().createFifoQueue("workflow"),
        "REDIS_URL",
        LocalRedis.shared().uri().toString(),
        "RATE_LIMIT",
        LIMIT,
        "AWS_REGION",
        "us-east-1",
        "AWS_ENDPOINT_URL",
        LocalSqs.shared().endpoint().toString(),
        "AWS_ACCESS_KEY_ID",
        "local",
        "AWS_SECRET_ACCESS_KEY",
        "local",
        "AWS_LAMBDA_FUNCTION_NAME",
        "gate",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "512");
  }

  /** Ten messages that may all go. */
  private static String event() {
    List<String> records = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      String id = UUID.randomUUID().toString();
      String body =
          PayloadCodec.standard()
              .encode(
                  OutboundMessage.builder(id, "creator-" + i, Instant.now())
                      .recipientId("fan")
                      .content("Thanks for subscribing!")
                      .build());
      records.add(
          "{\"messageId\":\"%s\",\"receiptHandle\":\"%s\",\"body\":\"%s\",\"attributes\":{\"ApproximateReceiveCount\":\"1\",\"SentTimestamp\":\"1767225600000\"},\"messageAttributes\":{},\"md5OfBody\":\"0\",\"eventSource\":\"aws:sqs\",\"awsRegion\":\"us-east-1\"}"
              .formatted(id, id, body.replace("\"", "\\\"")));
    }
    return "{\"Records\":[" + String.join(",", records) + "]}";
  }

  /** What AWS has in its image beside the function. */
  private static String runtime() {
    return classPath(
        "aws-lambda-java-runtime-interface-client",
        "aws-lambda-java-serialization",
        "aws-lambda-java-core",
        "utils-lite");
  }

  /** What a build of the stock function would pack, and no more. */
  private static String stockClassPath() {
    return runtime()
        + classPath(
            "aws-lambda-java-events",
            "joda-time",
            "awssdk",
            "httpcomponents",
            "netty",
            "reactive-streams",
            "eventstream",
            "fasterxml",
            "slf4j",
            "jedis",
            "gson",
            "commons-pool2",
            "json",
            "redis-authx",
            "commons-codec",
            "failsafe",
            "hibernate-validator",
            "validation-api",
            "jboss-logging",
            "jspecify",
            "ratelimiter-core",
            "ratelimiter-sqs",
            "ratelimiter-redis",
            "ratelimiter-benchmarks");
  }

  private static String classPath(String... names) {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> Stream.of(names).anyMatch(entry::contains))
        .collect(Collectors.joining(File.pathSeparator, "", File.pathSeparator));
  }

  private static String jars(Path lib) throws IOException {
    try (Stream<Path> jars = Files.list(lib)) {
      return jars.map(Path::toString).sorted().collect(Collectors.joining(File.pathSeparator));
    }
  }

  private static long size(String classPath) throws IOException {
    long size = 0;
    for (String entry : classPath.split(File.pathSeparator)) {
      size += entry.endsWith(".jar") ? Files.size(Path.of(entry)) : 0;
    }
    return size;
  }

  private static void unpack(Path zip, Path into) throws IOException {
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        Path file = into.resolve(entry.getName()).normalize();
        if (!entry.isDirectory() && file.startsWith(into)) {
          Files.createDirectories(file.getParent());
          Files.copy(in, file);
        }
      }
    }
  }
}
