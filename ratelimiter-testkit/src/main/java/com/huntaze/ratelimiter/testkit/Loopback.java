package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/** Addresses of 127.0.0.1, where everything of this kit listens; no name is looked up for them. */
final class Loopback {
  private Loopback() {}

  /** The address with this port; 0 stands for any free one where something is to listen. */
  static InetSocketAddress at(int port) {
    try {
      return new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
    } catch (UnknownHostException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An address that was free a moment ago; someone else may have taken it since. */
  static InetSocketAddress free() throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(at(0));
      return at(socket.getLocalPort());
    }
  }
}
