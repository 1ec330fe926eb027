package com.huntaze.ratelimiter.testkit;

import java.net.URI;
import org.elasticmq.rest.sqs.SQSRestServer;
import org.elasticmq.rest.sqs.SQSRestServerBuilder;

/** ElasticMQ inside the JVM. */
final class ElasticMq implements SqsServer {
  private final SQSRestServer server;
  private final URI endpoint;

  private ElasticMq(SQSRestServer server) {
    this.server = server;
    int port = server.waitUntilStarted().localAddress().getPort();
    this.endpoint = URI.create("http://127.0.0.1:" + port);
  }

  static ElasticMq start() {
    return new ElasticMq(SQSRestServerBuilder.withInterface("127.0.0.1").withDynamicPort().start());
  }

  @Override
  public URI endpoint() {
    return endpoint;
  }

  @Override
  public void close() {
    server.stopAndWait();
  }
}
