package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * A TCP forwarder on 127.0.0.1 that stands in front of a service, so that a test can take the
 * service away and give it back while it keeps running.
 *
 * <p>Tests point a client at {@link #port()} instead of the service's own port. {@link #cut()} is a
 * service that is down, {@link #stall()} one that no longer answers, {@link #stallAnswers()} one
 * that does its work and whose answers get lost; {@link #restore()} ends each of them. {@link
 * #retarget} is a service that another one has taken over from.
 *
 * <p>Thread-safe. Nothing is buffered beyond one chunk of 16 KiB a direction. A client whose
 * service cannot be reached sees a reset. Threads are daemons and end with {@link #close()}.
 */
public final class TcpProxy implements AutoCloseable {
  private static final int BACKLOG = 256;

  private final Valve requests = new Valve();
  private final Valve answers = new Valve();
  private final Set<ProxiedConnection> connections = ConcurrentHashMap.newKeySet();
  private final InetSocketAddress address;
  private final DaemonThreads threads;

  /** Every connection looks it up as it begins, after it has joined the others. */
  private volatile InetSocketAddress target;

  /** Accepts clients; none while cut or closed. */
  private @Nullable ServerSocket listener;

  private Future<?> accepting = CompletableFuture.completedFuture(null);

  /** Keeps the port from being given to anyone else while there is no listener. */
  private @Nullable Socket placeholder;

  private boolean closed;

  private TcpProxy(InetSocketAddress target) throws IOException {
    this.target = target;
    Socket socket = bound(Loopback.at(0));
    this.placeholder = socket;
    this.address = Loopback.at(socket.getLocalPort());
    this.threads = new DaemonThreads("tcp-proxy-" + address.getPort());
  }

  /**
   * {@return a running proxy in front of a service}
   *
   * @param host the service's host
   * @param port the service's port
   * @throws UncheckedIOException if the proxy cannot listen on 127.0.0.1
   */
  public static TcpProxy to(String host, int port) {
    return to(new InetSocketAddress(host, port));
  }

  /**
   * {@return a running proxy in front of a service}
   *
   * @param target the service's address; it need not answer yet
   * @throws UncheckedIOException if the proxy cannot listen on 127.0.0.1
   */
  public static TcpProxy to(InetSocketAddress target) {
    try {
      TcpProxy proxy = new TcpProxy(target);
      proxy.restore();
      return proxy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return the port to connect to; it stays the same through every cut} */
  public int port() {
    return address.getPort();
  }

  /** {@return the address to connect to} */
  public InetSocketAddress address() {
    return address;
  }

  /**
   * Takes the service away: every connection is reset at once, and new ones are refused. Does
   * nothing to a proxy that is closed.
   */
  public synchronized void cut() {
    stopListening();
    connections.forEach(ProxiedConnection::reset);
    requests.set(true);
    answers.set(true);
  }

  /**
   * Lets clients connect and send, but passes nothing on in either direction. What was sent is
   * kept, and passed on by {@link #restore()}.
   *
   * @throws UncheckedIOException if the proxy was cut and cannot listen on its port again
   */
  public synchronized void stall() {
    requests.set(false);
    answers.set(false);
    startListening();
  }

  /**
   * Passes on what clients send, but none of the answers: the service does its work and its callers
   * do not learn of it. Answers are kept, and passed on by {@link #restore()}.
   *
   * @throws UncheckedIOException if the proxy was cut and cannot listen on its port again
   */
  public synchronized void stallAnswers() {
    requests.set(true);
    answers.set(false);
    startListening();
  }

  /**
   * {@return whether a stall keeps something from being passed on at the moment, on a connection
   * that is open} Once it does while answers are stalled, the service has begun to answer.
   */
  public boolean holdsBack() {
    return connections.stream().anyMatch(each -> !each.isClosed() && each.isHeldBack());
  }

  /**
   * Gives the service back, on the same port, after a cut or a stall.
   *
   * @throws UncheckedIOException if the proxy was cut and cannot listen on its port again
   */
  public synchronized void restore() {
    requests.set(true);
    answers.set(true);
    startListening();
  }

  /**
   * Stands in front of another service from now on, as after a failover: every connection is reset,
   * and what a stall held back for it is lost. New ones go to the new service. Whether the proxy is
   * cut or stalled does not change.
   *
   * @param newTarget the other service's address; it need not answer yet
   * @throws IllegalStateException if the proxy is closed
   */
  public synchronized void retarget(InetSocketAddress newTarget) {
    if (closed) {
      throw new IllegalStateException("the proxy is closed");
    }
    target = newTarget;
    connections.forEach(ProxiedConnection::reset);
  }

  /**
   * Resets every connection, frees the port and ends every thread, waiting 5 s for them at most.
   * Closing again does nothing.
   */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      cut();
      freePlaceholder();
    }
    threads.close();
  }

  private synchronized void startListening() {
    if (closed) {
      throw new IllegalStateException("the proxy is closed");
    }
    if (listener != null) {
      return;
    }
    try {
      ServerSocket opened = new ServerSocket();
      listener = opened;
      opened.setReuseAddress(true);
      opened.bind(address, BACKLOG);
      freePlaceholder();
      accepting = threads.submit(() -> accept(opened));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private synchronized void stopListening() {
    if (listener == null) {
      return;
    }
    try {
      listener.close();
      listener = null;
      // The port is taken until the thread that was accepting has left the old listener.
      accepting.get();
      placeholder = bound(address);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private synchronized void freePlaceholder() {
    if (placeholder != null) {
      ProxiedConnection.breakOff(placeholder);
      placeholder = null;
    }
  }

  private void accept(ServerSocket from) {
    try {
      while (!from.isClosed()) {
        serve(new ProxiedConnection(from.accept()));
      }
    } catch (IOException e) {
      // The listener was closed by cut or close: there is nothing more to accept.
    }
  }

  /** Takes no lock: whoever stops listening holds it while the accepting thread ends. */
  private void serve(ProxiedConnection connection) {
    connections.removeIf(ProxiedConnection::isClosed);
    connections.add(connection);
    threads.execute(() -> connection.run(target, requests, answers, threads));
  }

  private static Socket bound(InetSocketAddress address) throws IOException {
    Socket socket = new Socket();
    socket.setReuseAddress(true);
    socket.bind(address);
    return socket;
  }
}
