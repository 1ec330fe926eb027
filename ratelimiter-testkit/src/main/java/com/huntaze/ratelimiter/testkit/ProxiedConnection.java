package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/** One client of a {@link TcpProxy} and its connection to the real server. Thread-safe. */
final class ProxiedConnection {
  private static final int CONNECT_MILLIS = 5_000;
  private static final int CHUNK = 16 * 1024;

  private final Socket client;
  private final Socket server = new Socket();

  /** In how many directions a valve keeps something from being passed on. */
  private final AtomicInteger heldBack = new AtomicInteger();

  ProxiedConnection(Socket client) {
    this.client = client;
  }

  /**
   * Copies both ways until both sides have closed or {@link #reset()}; returns only then.
   *
   * @param threads runs the other direction
   */
  void run(InetSocketAddress target, Valve requests, Valve answers, Executor threads) {
    try {
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      server.connect(target, CONNECT_MILLIS);
      threads.execute(() -> copy(server, client, answers));
      copy(client, server, requests);
    } catch (IOException | RuntimeException e) {
      reset();
    }
  }

  /** Breaks both connections off: each peer sees a reset, not an orderly end. */
  void reset() {
    breakOff(client);
    breakOff(server);
  }

  boolean isHeldBack() {
    return heldBack.get() > 0;
  }

  boolean isClosed() {
    return client.isClosed() && server.isClosed();
  }

  private void copy(Socket from, Socket to, Valve valve) {
    byte[] chunk = new byte[CHUNK];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        valve.pass(heldBack);
        out.write(chunk, 0, read);
      }
      valve.pass(heldBack);
      to.shutdownOutput();
      closeWhenBothEnded();
    } catch (IOException e) {
      reset();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      reset();
    }
  }

  private synchronized void closeWhenBothEnded() throws IOException {
    if (client.isOutputShutdown() && server.isOutputShutdown()) {
      client.close();
      server.close();
    }
  }

  static void breakOff(Socket socket) {
    try (socket) {
      socket.setSoLinger(true, 0);
    } catch (IOException e) {
      // It was closed already, which is all that is wanted.
    }
  }
}
