package com.huntaze.ratelimiter.s3;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * An S3 server on this machine for all tests of this JVM: S3Mock as a child process, since it is a
 * Spring Boot application whose libraries are not ours. It starts at first use and stops at the end
 * of the test run. Thread-safe.
 */
final class LocalS3 implements BeforeAllCallback, AutoCloseable {
  /** It takes a key by its id only, and has to be told its ARN. */
  static final String KMS_KEY = "4a1a7a8f-0000-0000-0000-000000000000";

  private static final LocalS3 SHARED = new LocalS3();
  private static final Duration START = Duration.ofMinutes(2);

  private Process process;
  private InetSocketAddress address;

  private LocalS3() {}

  static LocalS3 shared() {
    return SHARED;
  }

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    start();
    context.getRoot().getStore(Namespace.create(LocalS3.class)).put(this, this);
  }

  InetSocketAddress address() {
    return address;
  }

  /** A client of the server, or of what stands in front of it. The caller closes it. */
  static S3Client client(InetSocketAddress at) {
    return S3Client.builder()
        .endpointOverride(URI.create("http://127.0.0.1:" + at.getPort()))
        .forcePathStyle(true)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .build();
  }

  /** The name of a new bucket. */
  static String newBucket(S3Client client) {
    String name = "results-" + UUID.randomUUID();
    client.createBucket(request -> request.bucket(name));
    return name;
  }

  private synchronized void start() throws IOException, InterruptedException {
    if (process != null) {
      return;
    }
    address = free();
    Path directory = Path.of("target", "s3mock");
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-jar",
                directory.resolve("s3mock.jar").toString(),
                "--http.port=" + address.getPort(),
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--com.adobe.testing.s3mock.store.validKmsKeys=arn:aws:kms:us-east-1:000000000000:key/"
                    + KMS_KEY)
            .redirectErrorStream(true)
            .redirectOutput(new File(directory.toFile(), "s3mock.log"))
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly, "stop-s3"));
    long end = System.nanoTime() + START.toNanos();
    while (!answers()) {
      if (!process.isAlive() || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new IllegalStateException("local S3 did not start: see target/s3mock/s3mock.log");
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  private boolean answers() throws InterruptedException {
    HttpRequest question =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + address.getPort() + "/"))
            .timeout(Duration.ofSeconds(5))
            .build();
    try {
      return HttpClient.newHttpClient()
              .send(question, HttpResponse.BodyHandlers.discarding())
              .statusCode()
          == 200;
    } catch (IOException e) {
      return false;
    }
  }

  private static InetSocketAddress free() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new InetSocketAddress(socket.getInetAddress(), socket.getLocalPort());
    }
  }

  @Override
  public synchronized void close() {
    if (process != null) {
      process.destroy();
      try {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
      process = null;
    }
  }
}
