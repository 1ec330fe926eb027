package com.huntaze.ratelimiter.testkit;

import java.net.URI;

/** A running SQS server. */
interface SqsServer extends AutoCloseable {
  URI endpoint();

  @Override
  void close();
}
