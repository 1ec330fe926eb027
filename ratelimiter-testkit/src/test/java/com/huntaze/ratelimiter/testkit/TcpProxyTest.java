package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class TcpProxyTest {
  private static final int SHORT_MILLIS = 200;
  private static final int LONG_MILLIS = 10_000;

  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
  private final DaemonThreads threads = new DaemonThreads("test-echo");
  private ServerSocket echo;
  private TcpProxy proxy;

  @BeforeEach
  void start() throws IOException {
    echo = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    threads.execute(this::serve);
    proxy = TcpProxy.to("127.0.0.1", echo.getLocalPort());
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    echo.close();
    threads.close();
  }

  @Test
  void it_passes_both_directions_on_until_both_sides_end() throws Exception {
    try (Socket client = connect()) {
      assertThat(answer(client, "hello")).isEqualTo("hello");
      client.shutdownOutput();
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void much_data_arrives_whole() throws Exception {
    byte[] sent = "0123456789".repeat(100_000).getBytes(UTF_8);
    try (Socket client = connect()) {
      CompletableFuture<Void> sending =
          CompletableFuture.runAsync(
              () -> {
                try {
                  client.getOutputStream().write(sent);
                  client.shutdownOutput();
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              },
              threads);

      assertThat(client.getInputStream().readAllBytes()).isEqualTo(sent);
      sending.get(1, TimeUnit.SECONDS);
    }
  }

  @Test
  void a_cut_resets_open_connections_and_refuses_new_ones() throws Exception {
    try (Socket client = connect()) {
      answer(client, "open");

      proxy.cut();

      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
      assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
    }
  }

  @Test
  void a_restored_service_answers_on_the_same_port() throws Exception {
    int port = proxy.port();
    for (int i = 0; i < 20; i++) {
      proxy.cut();
      proxy.cut();
      assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);
      proxy.restore();
      proxy.restore();
      try (Socket client = connect()) {
        assertThat(answer(client, "again")).isEqualTo("again");
      }
    }
    assertThat(proxy.port()).isEqualTo(port);
  }

  @Test
  void a_stall_holds_what_was_sent_until_it_is_restored() throws Exception {
    proxy.stall();
    try (Socket client = connect()) {
      client.setSoTimeout(SHORT_MILLIS);
      assertThatThrownBy(() -> answer(client, "late")).isInstanceOf(SocketTimeoutException.class);

      proxy.restore();

      client.setSoTimeout(LONG_MILLIS);
      assertThat(client.getInputStream().readNBytes(4)).isEqualTo("late".getBytes(UTF_8));
    }
  }

  @Test
  void a_stall_holds_the_end_of_a_connection_too() throws Exception {
    proxy.stall();
    try (Socket client = connect()) {
      client.setSoTimeout(SHORT_MILLIS);
      client.shutdownOutput();
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketTimeoutException.class);

      proxy.restore();

      client.setSoTimeout(LONG_MILLIS);
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void stalled_answers_still_let_requests_through() throws Exception {
    proxy.stallAnswers();
    try (Socket client = connect()) {
      client.setSoTimeout(SHORT_MILLIS);
      assertThatThrownBy(() -> answer(client, "done")).isInstanceOf(SocketTimeoutException.class);
      assertThat(received.poll(1, TimeUnit.SECONDS)).isEqualTo("done");

      proxy.cut();

      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void a_stall_tells_when_it_holds_something_back() throws Exception {
    try (Socket client = connect()) {
      answer(client, "passed");
      proxy.stallAnswers();
      assertThat(proxy.holdsBack()).isFalse();

      client.getOutputStream().write("held".getBytes(UTF_8));

      assertThat(Await.until(Duration.ofMillis(LONG_MILLIS), proxy::holdsBack)).isTrue();
      assertThat(received).contains("held");

      proxy.restore();

      assertThat(client.getInputStream().readNBytes(4)).isEqualTo("held".getBytes(UTF_8));
      assertThat(proxy.holdsBack()).isFalse();
    }
  }

  @Test
  void a_cut_ends_what_a_stall_held_back() throws Exception {
    proxy.stall();
    try (Socket client = connect()) {
      client.getOutputStream().write("held".getBytes(UTF_8));
      assertThat(Await.until(Duration.ofMillis(LONG_MILLIS), proxy::holdsBack)).isTrue();

      proxy.cut();

      assertThat(proxy.holdsBack()).isFalse();
      assertThat(received.poll(SHORT_MILLIS, TimeUnit.MILLISECONDS)).isNull();
    }
  }

  @Test
  void nobody_else_is_given_the_port_while_it_is_cut() throws Exception {
    proxy.cut();
    try (ServerSocket other = new ServerSocket()) {
      other.setReuseAddress(false);
      assertThatThrownBy(() -> other.bind(proxy.address())).isInstanceOf(BindException.class);
    }
  }

  @Test
  void a_service_that_is_not_there_resets_its_clients() throws Exception {
    int nobodys; // and nobody accepts on it: one who is just leaving may take a connection along
    try (ServerSocket gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobodys = gone.getLocalPort();
    }
    proxy.retarget(Loopback.at(nobodys));
    try (Socket client = connect()) {
      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void a_retargeted_proxy_resets_its_clients_and_takes_new_ones_elsewhere() throws Exception {
    int port = proxy.port();
    try (ServerSocket other = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Socket client = connect()) {
      answer(client, "old");

      proxy.retarget(Loopback.at(other.getLocalPort()));

      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
      other.setSoTimeout(LONG_MILLIS);
      try (Socket next = connect();
          Socket accepted = other.accept()) {
        next.getOutputStream().write(7);
        assertThat(accepted.getInputStream().read()).isEqualTo(7);
      }
      assertThat(received).containsExactly("old");
    }
    assertThat(proxy.port()).isEqualTo(port);
  }

  @Test
  void a_retargeted_proxy_stays_cut_until_it_is_restored() throws Exception {
    proxy.cut();
    proxy.retarget(Loopback.at(echo.getLocalPort()));
    assertThatThrownBy(this::connect).isInstanceOf(ConnectException.class);

    proxy.restore();

    try (Socket client = connect()) {
      assertThat(answer(client, "new")).isEqualTo("new");
    }
    proxy.close();
    assertThatThrownBy(() -> proxy.retarget(proxy.address()))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closing_frees_the_port_and_ends_every_thread_even_while_stalled() throws Exception {
    try (Socket client = connect()) {
      answer(client, "open");
      proxy.stall();
      client.getOutputStream().write(1);

      proxy.close();
      proxy.close();
    }

    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith("tcp-proxy-" + proxy.port()));
    new ServerSocket(proxy.port(), 1, InetAddress.getLoopbackAddress()).close();
    assertThatThrownBy(proxy::restore).isInstanceOf(IllegalStateException.class);
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
    socket.setSoTimeout(LONG_MILLIS);
    return socket;
  }

  private static String answer(Socket client, String text) throws IOException {
    client.getOutputStream().write(text.getBytes(UTF_8));
    return new String(client.getInputStream().readNBytes(text.length()), UTF_8);
  }

  private void serve() {
    try {
      while (true) {
        Socket client = echo.accept();
        threads.execute(() -> echo(client));
      }
    } catch (IOException e) {
      // The test is over.
    }
  }

  private void echo(Socket client) {
    byte[] chunk = new byte[16 * 1024];
    try (client) {
      for (int read = client.getInputStream().read(chunk);
          read >= 0;
          read = client.getInputStream().read(chunk)) {
        received.add(new String(chunk, 0, read, UTF_8));
        client.getOutputStream().write(chunk, 0, read);
      }
    } catch (IOException e) {
      // The proxy broke the connection off, as it was told to.
    }
  }
}
