package com.huntaze.ratelimiter.cloudwatch;

import java.io.OutputStream;

/** What standard output is at the moment: a host, or Lambda's runtime, may put another in place. */
final class StandardOut extends OutputStream {
  static final StandardOut STREAM = new StandardOut();

  private StandardOut() {}

  @Override
  public void write(int b) {
    System.out.write(b);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    System.out.write(bytes, offset, length);
  }

  @Override
  public void flush() {
    System.out.flush();
  }
}
