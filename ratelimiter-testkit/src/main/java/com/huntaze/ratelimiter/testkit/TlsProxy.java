package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/**
 * Puts TLS in front of a service that has none: it listens on 127.0.0.1, shows a certificate made
 * for this run, and passes what it deciphers on to the service.
 *
 * <p>The certificate vouches for itself and names {@code 127.0.0.1} and {@code localhost}; a client
 * trusts it by {@link #trustStore()}. The key is in memory alone. To take the service away from TLS
 * clients, put a {@link TcpProxy} between this and the service, or in front of this.
 *
 * <p>Thread-safe. A client that does not trust the certificate, or whose service cannot be reached,
 * sees its connection fail. Threads are daemons and end with {@link #close()}.
 */
public final class TlsProxy implements AutoCloseable {
  private static final int BACKLOG = 256;

  private final Valve open = new Valve();
  private final Set<ProxiedConnection> connections = ConcurrentHashMap.newKeySet();
  private final InetSocketAddress target;
  private final SelfSigned certificate;
  private final ServerSocket listener;
  private final InetSocketAddress address;
  private final DaemonThreads threads;
  private final Future<?> accepting;

  private TlsProxy(InetSocketAddress target, SelfSigned certificate) throws IOException {
    this.target = target;
    this.certificate = certificate;
    ServerSocket socket = certificate.context().getServerSocketFactory().createServerSocket();
    socket.bind(Loopback.at(0), BACKLOG);
    this.listener = socket;
    this.address = Loopback.at(socket.getLocalPort());
    this.threads = new DaemonThreads("tls-proxy-" + address.getPort());
    this.accepting = threads.submit(this::accept);
  }

  /**
   * {@return a running proxy in front of a service}
   *
   * @param host the service's host
   * @param port the service's plain port
   * @throws UncheckedIOException if the proxy cannot listen on 127.0.0.1
   * @throws IllegalStateException if no certificate can be made
   */
  public static TlsProxy to(String host, int port) {
    return to(new InetSocketAddress(host, port));
  }

  /**
   * {@return a running proxy in front of a service}
   *
   * @param target the service's address; it need not answer yet
   * @throws UncheckedIOException if the proxy cannot listen on 127.0.0.1
   * @throws IllegalStateException if no certificate can be made, as in a JDK without its keytool
   */
  public static TlsProxy to(InetSocketAddress target) {
    SelfSigned certificate;
    try {
      certificate = SelfSigned.create();
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("no certificate could be made", e);
    }
    try {
      return new TlsProxy(target, certificate);
    } catch (IOException e) {
      certificate.close();
      throw new UncheckedIOException(e);
    }
  }

  /** {@return the port to connect to, with TLS} */
  public int port() {
    return address.getPort();
  }

  /** {@return the address to connect to, with TLS} */
  public InetSocketAddress address() {
    return address;
  }

  /**
   * {@return a PKCS12 file with the certificate and no key; it is there until the proxy is closed}
   */
  public Path trustStore() {
    return certificate.trustStore();
  }

  /** {@return the password of {@link #trustStore()}} */
  public String trustStorePassword() {
    return SelfSigned.PASSWORD;
  }

  /**
   * Breaks every connection off, frees the port, deletes the trust store and ends every thread,
   * waiting 5 s for them at most. Closing again does nothing.
   */
  @Override
  public void close() {
    try {
      listener.close();
      accepting.get(); // from now on there are no more connections than those to be reset
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
    connections.forEach(ProxiedConnection::reset);
    threads.close();
    certificate.close();
  }

  private void accept() {
    try {
      while (!listener.isClosed()) {
        serve(listener.accept());
      }
    } catch (IOException e) {
      // The proxy was closed: there is nothing more to accept.
    }
  }

  /** The handshake comes with the first byte, in the connection's own thread. */
  private void serve(Socket client) {
    ProxiedConnection connection = new ProxiedConnection(client);
    connections.removeIf(ProxiedConnection::isClosed);
    connections.add(connection);
    threads.execute(() -> connection.run(target, open, open, threads));
  }
}
