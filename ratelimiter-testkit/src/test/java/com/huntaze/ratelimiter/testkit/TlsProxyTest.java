package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Collections;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class TlsProxyTest {
  private static final int LONG_MILLIS = 10_000;

  @RegisterExtension static final LocalRedis redis = LocalRedis.shared();

  private static TlsProxy proxy;

  @BeforeAll
  static void start() {
    proxy = TlsProxy.to(redis.address());
  }

  @AfterAll
  static void stop() {
    proxy.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "localhost"})
  void a_client_that_trusts_it_reaches_the_service_by_either_name(String host) throws Exception {
    try (SSLSocket client = connect(trusting(proxy), host, proxy.port())) {
      assertThat(ping(client)).isEqualTo("+PONG\r\n");
      assertThat(ping(client)).isEqualTo("+PONG\r\n");
    }
  }

  @Test
  void much_data_arrives_whole() throws Exception {
    byte[] value = "0123456789".repeat(100_000).getBytes(UTF_8);
    try (SSLSocket client = connect(trusting(proxy), "127.0.0.1", proxy.port())) {
      client
          .getOutputStream()
          .write(("*2\r\n$4\r\nECHO\r\n$" + value.length + "\r\n").getBytes(UTF_8));
      client.getOutputStream().write(value);
      client.getOutputStream().write("\r\n".getBytes(UTF_8));

      String header = "$" + value.length + "\r\n";
      assertThat(client.getInputStream().readNBytes(header.length()))
          .isEqualTo(header.getBytes(UTF_8));
      assertThat(client.getInputStream().readNBytes(value.length)).isEqualTo(value);
    }
  }

  @Test
  void a_client_that_does_not_trust_it_gets_nowhere() throws Exception {
    SSLContext usual = SSLContext.getDefault();
    assertThatThrownBy(() -> connect(usual, "127.0.0.1", proxy.port()).close())
        .isInstanceOf(SSLException.class);
  }

  @Test
  void a_client_without_tls_gets_no_answer_of_the_service() throws Exception {
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), proxy.port())) {
      client.setSoTimeout(LONG_MILLIS);
      client.getOutputStream().write("PING\r\n".getBytes(UTF_8));
      assertThat(endOf(client)).doesNotContain("PONG");
    }
  }

  @Test
  void a_service_that_is_not_there_breaks_its_clients_off() throws Exception {
    try (TlsProxy lonely = TlsProxy.to("127.0.0.1", Loopback.free().getPort())) {
      assertThatThrownBy(
              () -> {
                try (SSLSocket client = connect(trusting(lonely), "127.0.0.1", lonely.port())) {
                  ping(client);
                }
              })
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void the_trust_store_holds_no_key() throws Exception {
    KeyStore trust = trustStore(proxy);
    for (String alias : Collections.list(trust.aliases())) {
      assertThat(trust.isCertificateEntry(alias)).isTrue();
    }
    try (var files = Files.list(proxy.trustStore().getParent())) {
      assertThat(files).containsExactly(proxy.trustStore());
    }
  }

  @Test
  void closing_breaks_connections_off_ends_every_thread_and_deletes_the_files() throws Exception {
    TlsProxy own = TlsProxy.to(redis.address());
    Path directory = own.trustStore().getParent();
    SSLContext trusting = trusting(own);
    try (SSLSocket client = connect(trusting, "127.0.0.1", own.port());
        Socket silent = new Socket(InetAddress.getLoopbackAddress(), own.port())) {
      assertThat(ping(client)).isEqualTo("+PONG\r\n");
      assertThat(silent.isConnected()).isTrue();

      own.close();
      own.close();

      assertThatThrownBy(() -> ping(client)).isInstanceOf(IOException.class);
    }

    assertThat(directory).doesNotExist();
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith("tls-proxy-" + own.port()));
    new ServerSocket(own.port(), 1, InetAddress.getLoopbackAddress()).close();
  }

  private static SSLContext trusting(TlsProxy proxy) throws GeneralSecurityException, IOException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trustStore(proxy));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private static KeyStore trustStore(TlsProxy proxy) throws GeneralSecurityException, IOException {
    return KeyStore.getInstance(
        proxy.trustStore().toFile(), proxy.trustStorePassword().toCharArray());
  }

  /** Checks the name too, as clients of databases and web sites do. */
  private static SSLSocket connect(SSLContext context, String host, int port) throws IOException {
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(host, port);
    socket.setSoTimeout(LONG_MILLIS);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    return socket;
  }

  private static String ping(Socket client) throws IOException {
    client.getOutputStream().write("PING\r\n".getBytes(UTF_8));
    byte[] answer = client.getInputStream().readNBytes(7);
    if (answer.length < 7) {
      throw new IOException("the connection ended");
    }
    return new String(answer, UTF_8);
  }

  /** What comes until the connection ends, or breaks off. */
  private static String endOf(Socket client) {
    try {
      InputStream in = client.getInputStream();
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      return "";
    }
  }
}
