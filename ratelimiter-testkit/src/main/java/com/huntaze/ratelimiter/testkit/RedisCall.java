package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/**
 * Asks a Redis one thing, over a connection of its own.
 *
 * <p>A string stands for its bytes, one character each, so that any key passes unharmed; {@link
 * #bytesOf} makes one of text. Thread-safe.
 */
final class RedisCall {
  private static final int TIMEOUT_MILLIS = 5_000;

  private RedisCall() {}

  static String bytesOf(String text) {
    return new String(text.getBytes(UTF_8), ISO_8859_1);
  }

  /** As below, of a server that asks for no password. */
  static List<String> ask(InetSocketAddress server, String... command) throws IOException {
    return ask(server, "", List.of(command));
  }

  /**
   * The answer: one string, or none for nil, or those of an array, whose inner arrays are laid out
   * flat. Fails if the server refuses the command, or has not answered in 5 s.
   *
   * @param password empty for none
   */
  static List<String> ask(InetSocketAddress server, String password, List<String> command)
      throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(server, TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      if (!password.isEmpty()) {
        exchange(socket, in, List.of("AUTH", bytesOf(password)));
      }
      return exchange(socket, in, command);
    }
  }

  private static List<String> exchange(Socket socket, InputStream in, List<String> command)
      throws IOException {
    StringBuilder request = new StringBuilder("*" + command.size() + "\r\n");
    for (String part : command) {
      request.append('$').append(part.length()).append("\r\n").append(part).append("\r\n");
    }
    socket.getOutputStream().write(request.toString().getBytes(ISO_8859_1));
    List<String> answer = new ArrayList<>();
    read(in, command.get(0), answer);
    return answer;
  }

  private static void read(InputStream in, String name, List<String> into) throws IOException {
    String line = line(in);
    String rest = line.substring(1);
    switch (line.charAt(0)) {
      case '+', ':' -> into.add(rest);
      case '$' -> {
        int length = Integer.parseInt(rest);
        if (length >= 0) {
          into.add(text(in, length));
        }
      }
      case '*' -> {
        int count = Integer.parseInt(rest);
        for (int i = 0; i < count; i++) {
          read(in, name, into);
        }
      }
      default -> throw new IOException("Redis refuses " + name + ": " + line);
    }
  }

  private static String text(InputStream in, int length) throws IOException {
    byte[] bytes = in.readNBytes(length + 2);
    if (bytes.length < length + 2) {
      throw new EOFException("Redis closed the connection");
    }
    return new String(bytes, 0, length, ISO_8859_1);
  }

  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException("Redis closed the connection");
      }
      line.write(next);
    }
    if (line.size() < 2) {
      throw new IOException("not an answer of Redis");
    }
    return line.toString(ISO_8859_1).stripTrailing();
  }
}
