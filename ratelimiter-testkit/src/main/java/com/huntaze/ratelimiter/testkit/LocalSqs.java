package com.huntaze.ratelimiter.testkit;

import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.FIFO_QUEUE;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.QUEUE_ARN;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.REDRIVE_POLICY;

import java.net.InetSocketAddress;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/**
 * An SQS server on this machine: ElasticMQ inside the JVM, or LocalStack in Docker.
 *
 * <p>It knows standard and FIFO queues, batches and dead letters as AWS does, but checks less: it
 * takes names, sizes and characters that AWS refuses, and it never throttles or fails. Those cases
 * need tests of their own. Each test makes its own queues, whose names nobody else has.
 *
 * <p>Thread-safe. ElasticMQ logs through slf4j as {@code org.elasticmq} and {@code
 * org.apache.pekko}; what it logs below WARN is seldom of use.
 */
@SuppressWarnings("exports") // The SDK's types come from the class path, as every server's do.
public final class LocalSqs implements LocalService {
  private static final LocalSqs SHARED = new LocalSqs(true);

  private final OnDemand<Running> server;

  private LocalSqs(boolean again) {
    this.server = new OnDemand<>("local SQS", again, LocalSqs::run);
  }

  /**
   * {@return a server of one's own, running}
   *
   * @throws IllegalStateException if it does not start
   */
  public static LocalSqs start() {
    LocalSqs sqs = new LocalSqs(false);
    sqs.server.get();
    return sqs;
  }

  /** {@return the server that all tests of this JVM share; it starts at first use} */
  public static LocalSqs shared() {
    return SHARED;
  }

  /** {@return the address for a client's {@code endpointOverride}} */
  public URI endpoint() {
    return server.get().sqs().endpoint();
  }

  @Override
  public InetSocketAddress address() {
    return new InetSocketAddress(endpoint().getHost(), endpoint().getPort());
  }

  /**
   * {@return a new client of this server, which makes one HTTP call for each call of its own: the
   * SDK's retries are off} The caller closes it.
   */
  public SqsClient newClient() {
    return newClient(endpoint());
  }

  /**
   * {@return a new client like that of {@link #newClient()}, which reaches the server by another
   * address} Queue URLs stay as they are: the SDK sends calls to the endpoint, whatever host a
   * queue's URL names. The caller closes the client.
   *
   * @param endpoint where to send calls, such as {@code http://127.0.0.1} and the port of a {@link
   *     TcpProxy}
   */
  public SqsClient newClient(URI endpoint) {
    return client(endpoint);
  }

  /**
   * {@return the URL of a new standard queue}
   *
   * @param prefix the start of its name; the rest makes it unique
   */
  public String createQueue(String prefix) {
    return createQueue(prefix, Map.of());
  }

  /**
   * {@return the URL of a new standard queue with settings of its own}
   *
   * @param prefix the start of its name; the rest makes it unique
   * @param attributes the settings, such as the visibility timeout
   */
  public String createQueue(String prefix, Map<QueueAttributeName, String> attributes) {
    return create(uniqueName(prefix), attributes);
  }

  /**
   * {@return the URL of a new FIFO queue}
   *
   * @param prefix the start of its name; the rest makes it unique and ends in {@code .fifo}
   */
  public String createFifoQueue(String prefix) {
    return createFifoQueue(prefix, Map.of());
  }

  /**
   * {@return the URL of a new FIFO queue with settings of its own}
   *
   * @param prefix the start of its name; the rest makes it unique and ends in {@code .fifo}
   * @param attributes the settings, such as the visibility timeout
   */
  public String createFifoQueue(String prefix, Map<QueueAttributeName, String> attributes) {
    return create(uniqueName(prefix) + ".fifo", with(attributes, FIFO_QUEUE, "true"));
  }

  /**
   * {@return a new standard queue and the queue that takes its dead letters}
   *
   * @param prefix the start of both names
   * @param maxReceiveCount how often a message is received before it is a dead letter
   */
  public QueueWithDeadLetters createQueueWithDeadLetters(String prefix, int maxReceiveCount) {
    String deadLetters = createQueue(prefix + "-dead");
    String policy = redrivePolicy(deadLetters, maxReceiveCount);
    return new QueueWithDeadLetters(
        createQueue(prefix, Map.of(REDRIVE_POLICY, policy)), deadLetters);
  }

  /**
   * {@return a new FIFO queue and the FIFO queue that takes its dead letters}
   *
   * @param prefix the start of both names
   * @param maxReceiveCount how often a message is received before it is a dead letter
   */
  public QueueWithDeadLetters createFifoQueueWithDeadLetters(String prefix, int maxReceiveCount) {
    String deadLetters = createFifoQueue(prefix + "-dead");
    String policy = redrivePolicy(deadLetters, maxReceiveCount);
    return new QueueWithDeadLetters(
        createFifoQueue(prefix, Map.of(REDRIVE_POLICY, policy)), deadLetters);
  }

  @Override
  public void close() {
    server.close();
  }

  /**
   * A queue and the queue that takes its dead letters.
   *
   * @param url the queue's URL
   * @param deadLetterUrl the URL of the queue for its dead letters
   */
  public record QueueWithDeadLetters(String url, String deadLetterUrl) {}

  private String create(String name, Map<QueueAttributeName, String> attributes) {
    return server
        .get()
        .client()
        .createQueue(request -> request.queueName(name).attributes(attributes))
        .queueUrl();
  }

  private String redrivePolicy(String deadLetterUrl, int maxReceiveCount) {
    String arn =
        server
            .get()
            .client()
            .getQueueAttributes(
                request -> request.queueUrl(deadLetterUrl).attributeNames(QUEUE_ARN))
            .attributes()
            .get(QUEUE_ARN);
    return "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":\"%d\"}"
        .formatted(arn, maxReceiveCount);
  }

  private static Map<QueueAttributeName, String> with(
      Map<QueueAttributeName, String> attributes, QueueAttributeName name, String value) {
    Map<QueueAttributeName, String> all = new HashMap<>(attributes);
    all.put(name, value);
    return all;
  }

  private static String uniqueName(String prefix) {
    return prefix + "-" + UUID.randomUUID().toString().substring(0, 13);
  }

  private static Running run() {
    SqsServer sqs = Docker.isChosen() ? LocalStackSqs.start() : ElasticMq.start();
    return new Running(sqs, client(sqs.endpoint()));
  }

  private static SqsClient client(URI endpoint) {
    return SqsClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("local", "local")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .overrideConfiguration(
            settings -> settings.retryStrategy(DefaultRetryStrategy.doNotRetry()))
        .build();
  }

  private record Running(SqsServer sqs, SqsClient client) implements AutoCloseable {
    @Override
    public void close() {
      client.close();
      sqs.close();
    }
  }
}
