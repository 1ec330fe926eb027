package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
@Tag("slow")
class LocalServiceTest {
  @Test
  void a_service_starts_once_however_often_it_is_asked_for() {
    AtomicInteger starts = new AtomicInteger();
    AtomicInteger stops = new AtomicInteger();
    OnDemand<AutoCloseable> service = service(false, starts, stops);
    assertThat(starts).hasValue(0);
    assertThat(service.get()).isSameAs(service.get());
    assertThat(starts).hasValue(1);

    service.close();
    service.close();
    assertThat(stops).hasValue(1);
  }

  @Test
  void a_shared_service_starts_anew_after_it_was_closed() {
    AtomicInteger starts = new AtomicInteger();
    OnDemand<AutoCloseable> shared = service(true, starts, new AtomicInteger());
    shared.get();
    shared.close();
    shared.get();
    shared.close();

    assertThat(starts).hasValue(2);
  }

  @Test
  void a_service_of_ones_own_does_not() {
    OnDemand<AutoCloseable> own = service(false, new AtomicInteger(), new AtomicInteger());
    own.get();
    own.close();

    assertThatThrownBy(own::get)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("it is closed");
  }

  @Test
  void a_service_that_does_not_start_says_why() {
    OnDemand<AutoCloseable> broken =
        new OnDemand<>(
            "it",
            false,
            () -> {
              throw new ConnectException("no room");
            });

    assertThatThrownBy(broken::get)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("it did not start")
        .hasRootCauseMessage("no room");
  }

  @Test
  void a_program_that_ends_without_closing_leaves_no_server_behind() throws Exception {
    Process program =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Forgetful.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<Integer> ports;
    try (BufferedReader output = program.inputReader()) {
      ports = Stream.of(output.readLine().split(" ")).map(Integer::valueOf).toList();
    }

    assertThat(program.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(program.exitValue()).isZero();
    assertThat(ports).hasSize(7);
    for (int port : ports) {
      assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port))
          .isInstanceOf(ConnectException.class);
    }
  }

  @Test
  void docker_is_used_where_it_answers_and_the_local_server_where_it_does_not() throws Exception {
    System.setProperty("ratelimiter.services", "docker");
    try (LocalRedis redis = LocalRedis.start();
        Socket socket = new Socket(redis.address().getHostString(), redis.port())) {
      assertThat(socket.isConnected()).isTrue();
    } finally {
      System.clearProperty("ratelimiter.services");
    }
  }

  private static OnDemand<AutoCloseable> service(
      boolean again, AtomicInteger starts, AtomicInteger stops) {
    return new OnDemand<>(
        "it",
        again,
        () -> {
          starts.incrementAndGet();
          return stops::incrementAndGet;
        });
  }

  /** A program that forgets to close what it started. */
  static final class Forgetful {
    private Forgetful() {}

    public static void main(String[] args) {
      LocalRedis redis = LocalRedis.start();
      LocalRedis frozen = LocalRedis.start();
      List<InetSocketAddress> all = new ArrayList<>(LocalRedisCluster.start().nodes());
      all.add(redis.address());
      all.add(frozen.address());
      all.add(LocalRedis.startReplicaOf(redis.address()).address());
      all.add(LocalSentinel.start("main", redis.address()).address());
      frozen.freeze();
      System.out.println(
          all.stream().map(each -> "" + each.getPort()).collect(Collectors.joining(" ")));
    }
  }
}
