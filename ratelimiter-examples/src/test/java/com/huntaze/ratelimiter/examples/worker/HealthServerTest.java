package com.huntaze.ratelimiter.examples.worker;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class HealthServerTest {

  private static Socket ask(HealthServer server, String request) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout(10_000);
    socket.getOutputStream().write(request.getBytes(US_ASCII));
    socket.getOutputStream().flush();
    return socket;
  }

  @Test
  void clients_that_stall_keep_no_probe_waiting() throws IOException {
    List<Socket> stalled = new ArrayList<>();
    try (HealthServer server = HealthServer.start(0, () -> new Health.Answer(true, "{}"))) {
      for (int i = 0; i < 3; i++) {
        stalled.add(ask(server, "GET /health HTTP/1.1\r\n"));
      }
      try (Socket probe = ask(server, "GET /health HTTP/1.1\r\nHost: worker\r\n\r\n")) {
        String head = new String(probe.getInputStream().readNBytes(12), US_ASCII);
        assertThat(head).isEqualTo("HTTP/1.1 200");
      }
    } finally {
      for (Socket each : stalled) {
        each.close();
      }
    }
  }
}
