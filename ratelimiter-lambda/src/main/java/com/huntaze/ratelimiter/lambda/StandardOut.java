package com.huntaze.ratelimiter.lambda;

import java.io.OutputStream;

/**
 * What standard output is at the moment: Lambda's runtime puts its own in place, which makes an
 * entry of the log of every write.
 */
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
