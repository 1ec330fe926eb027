package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class LocalRedisTest {
  private static final int SHORT_MILLIS = 300;
  private static final int LONG_MILLIS = 10_000;

  @RegisterExtension static final LocalRedis shared = LocalRedis.shared();

  @Test
  void it_answers_at_the_address_it_names() throws Exception {
    assertThat(shared.uri()).hasToString("redis://127.0.0.1:" + shared.port());
    assertThat(ask(shared, "PING")).isEqualTo("+PONG");
  }

  @Test
  void a_killed_server_breaks_connections_and_answers_nobody() throws Exception {
    try (LocalRedis redis = LocalRedis.start();
        Socket open = connect(redis)) {
      assertThat(ask(open, "PING")).isEqualTo("+PONG");

      redis.kill9();
      redis.kill9();

      assertThat(open.getInputStream().read()).isEqualTo(-1);
      assertThatThrownBy(() -> connect(redis)).isInstanceOf(ConnectException.class);
    }
  }

  @Test
  void a_restarted_server_has_its_old_port_and_no_key() throws Exception {
    try (LocalRedis redis = LocalRedis.start()) {
      int port = redis.port();
      assertThat(ask(redis, "SET key value")).isEqualTo("+OK");

      redis.kill9();
      redis.restartEmpty();

      assertThat(redis.port()).isEqualTo(port);
      assertThat(ask(redis, "EXISTS key")).isEqualTo(":0");
      ask(redis, "SET key value");
      redis.restartEmpty();
      assertThat(ask(redis, "EXISTS key")).isEqualTo(":0");
    }
  }

  @Test
  void its_options_hold_after_a_restart_too() throws Exception {
    try (LocalRedis redis = LocalRedis.start("--requirepass", "s3cret", "--maxmemory", "10mb")) {
      redis.restartEmpty();

      assertThat(ask(redis, "PING")).startsWith("-NOAUTH");
      assertThat(ask(redis, "AUTH s3cret")).isEqualTo("+OK");
      assertThat(RedisCall.ask(redis.address(), "s3cret", List.of("CONFIG", "GET", "maxmemory")))
          .containsExactly("maxmemory", "10485760");
    }
  }

  @Test
  void an_option_that_does_not_exist_is_a_server_that_does_not_start() {
    assertThatThrownBy(() -> LocalRedis.start("--no-such-option", "1"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("local Redis did not start");
  }

  @Test
  void a_restarted_server_is_empty_even_if_it_was_told_to_write_to_disk() throws Exception {
    try (LocalRedis redis = LocalRedis.start("--appendonly", "yes", "--appendfsync", "always")) {
      assertThat(ask(redis, "SET key value")).isEqualTo("+OK");

      redis.restartEmpty();

      assertThat(ask(redis, "EXISTS key")).isEqualTo(":0");
    }
  }

  @Test
  void a_frozen_server_answers_nobody_and_catches_up_once_it_is_thawed() throws Exception {
    try (LocalRedis redis = LocalRedis.start();
        Socket open = connect(redis)) {
      redis.freeze();
      redis.freeze();
      open.setSoTimeout(SHORT_MILLIS);
      assertThatThrownBy(() -> ask(open, "INCR key")).isInstanceOf(SocketTimeoutException.class);

      redis.thaw();
      redis.thaw();

      open.setSoTimeout(LONG_MILLIS);
      assertThat(open.getInputStream().readNBytes(4)).isEqualTo(":1\r\n".getBytes(UTF_8));
    }
  }

  @Test
  void a_frozen_server_can_be_restarted_and_closed() throws Exception {
    int port;
    try (LocalRedis redis = LocalRedis.start()) {
      port = redis.port();
      redis.freeze();
      redis.restartEmpty();
      assertThat(ask(redis, "PING")).isEqualTo("+PONG");
      redis.freeze();
    }

    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port))
        .isInstanceOf(ConnectException.class);
  }

  @Test
  void a_dead_server_cannot_be_frozen() {
    try (LocalRedis redis = LocalRedis.start()) {
      redis.kill9();

      assertThatThrownBy(redis::freeze)
          .isInstanceOf(IllegalStateException.class)
          .hasRootCauseMessage("Redis is dead");
      redis.thaw();
    }
  }

  @Test
  void a_closed_server_of_ones_own_stays_closed() throws Exception {
    LocalRedis redis = LocalRedis.start();
    int port = redis.port();
    redis.close();
    redis.close();

    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port))
        .isInstanceOf(ConnectException.class);
    assertThatThrownBy(redis::uri)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("local Redis is closed");
  }

  private static String ask(LocalRedis redis, String command) throws IOException {
    try (Socket socket = connect(redis)) {
      return ask(socket, command);
    }
  }

  private static String ask(Socket socket, String command) throws IOException {
    socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
    return new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)).readLine();
  }

  private static Socket connect(LocalRedis redis) throws IOException {
    return new Socket(redis.address().getAddress(), redis.port());
  }
}
