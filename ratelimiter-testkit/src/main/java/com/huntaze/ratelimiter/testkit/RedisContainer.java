package com.huntaze.ratelimiter.testkit;

import com.github.dockerjava.api.DockerClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/** Redis in a container, at a port that survives its death. Not thread-safe. */
final class RedisContainer implements RedisServer {
  private static final String IMAGE = "redis:7";
  private static final int PORT = 6379;

  private final GenericContainer<?> container;
  private final InetSocketAddress address;
  private boolean frozen;

  private RedisContainer(GenericContainer<?> container, InetSocketAddress address) {
    this.container = container;
    this.address = address;
  }

  static RedisContainer start(List<String> options) throws IOException {
    int port = Loopback.free().getPort();
    List<String> command = new ArrayList<>(List.of("redis-server"));
    command.addAll(DEFAULTS);
    command.addAll(options);
    GenericContainer<?> container =
        new GenericContainer<>(DockerImageName.parse(IMAGE))
            .withExposedPorts(PORT)
            .withCommand(command.toArray(String[]::new));
    container.setPortBindings(List.of(port + ":" + PORT));
    container.start();
    return new RedisContainer(container, new InetSocketAddress(container.getHost(), port));
  }

  @Override
  public InetSocketAddress address() {
    return address;
  }

  @Override
  public void kill() {
    thaw();
    if (container.isRunning()) {
      docker().killContainerCmd(container.getContainerId()).exec();
    }
  }

  @Override
  public void revive() throws IOException {
    docker().startContainerCmd(container.getContainerId()).exec();
    RedisPing.await(address, () -> true);
  }

  @Override
  public void freeze() {
    docker().pauseContainerCmd(container.getContainerId()).exec();
    frozen = true;
  }

  @Override
  public void thaw() {
    if (frozen && container.isRunning()) {
      docker().unpauseContainerCmd(container.getContainerId()).exec();
    }
    frozen = false;
  }

  @Override
  public void close() {
    thaw();
    container.stop();
  }

  private DockerClient docker() {
    return container.getDockerClient();
  }
}
