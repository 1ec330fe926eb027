package com.huntaze.ratelimiter.testkit;

import java.net.URI;
import org.testcontainers.localstack.LocalStackContainer;
import org.testcontainers.utility.DockerImageName;

/** LocalStack in a container, with SQS alone. */
final class LocalStackSqs implements SqsServer {
  private static final String IMAGE = "localstack/localstack:4";

  private final LocalStackContainer container;

  private LocalStackSqs(LocalStackContainer container) {
    this.container = container;
  }

  static LocalStackSqs start() {
    LocalStackContainer container =
        new LocalStackContainer(DockerImageName.parse(IMAGE)).withServices("sqs");
    container.start();
    return new LocalStackSqs(container);
  }

  @Override
  public URI endpoint() {
    return container.getEndpoint();
  }

  @Override
  public void close() {
    container.stop();
  }
}
