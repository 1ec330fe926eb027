package com.huntaze.ratelimiter.benchmarks;

import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.sqs.SqsClient;

/** An SQS server on this machine, in a JVM of its own. */
final class MeasuredSqs implements AutoCloseable {
  /** Room for every message of the largest measurement. */
  private static final List<String> OPTIONS = List.of("-Xms1g", "-Xmx4g", "-XX:+UseParallelGC");

  private final AtomicInteger queues = new AtomicInteger();
  private final ChildJvm server;
  private final URI endpoint;
  private final SqsClient admin;

  private MeasuredSqs(ChildJvm server, URI endpoint) {
    this.server = server;
    this.endpoint = endpoint;
    this.admin = clients().blocking(UrlConnectionHttpClient.builder(), new CallCount());
  }

  static MeasuredSqs start() throws IOException {
    ChildJvm server = ChildJvm.start(SqsProcess.class, OPTIONS);
    try {
      return new MeasuredSqs(server, URI.create(server.line()));
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  URI endpoint() {
    return endpoint;
  }

  SqsClients clients() {
    return new SqsClients(endpoint);
  }

  /** The URL of a new queue. */
  String newQueue() {
    String name = "benchmark-" + queues.incrementAndGet();
    return admin.createQueue(request -> request.queueName(name)).queueUrl();
  }

  /** Forgets what was sent, so that rounds find the same server. */
  void empty(String queueUrl) {
    admin.purgeQueue(request -> request.queueUrl(queueUrl));
  }

  @Override
  public void close() throws IOException {
    admin.close();
    server.close();
  }
}
