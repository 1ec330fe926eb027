package com.huntaze.ratelimiter.examples.browser;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.Base64;
import java.util.Optional;

/**
 * A process that stands for a browser: it loads the page, holds what is put into the form, and
 * posts it once when told to press. Commands come as lines on standard input, an answer line for
 * each goes to standard output. Uses nothing but the JDK.
 */
final class StandIn {
  private static final String LOOKED_FOR = "id=\"message\"";

  private URI page = URI.create("about:blank");
  private String id = "";
  private String creator = "";
  private String recipient = "";
  private String text = "";

  private StandIn() {}

  public static void main(String[] args) throws IOException {
    StandIn browser = new StandIn();
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      System.out.println(browser.done(line.split(" ", -1)));
      System.out.flush();
    }
  }

  private String done(String[] command) throws IOException {
    switch (command[0]) {
      case "open" -> {
        page = URI.create(decoded(command[1]));
        return get() ? "done" : "not the page";
      }
      case "fill" -> {
        id = decoded(command[1]);
        creator = decoded(command[2]);
        recipient = decoded(command[3]);
        text = decoded(command[4]);
        return "done";
      }
      case "send" -> {
        return post();
      }
      default -> {
        return "unknown";
      }
    }
  }

  private boolean get() throws IOException {
    HttpURLConnection connection = (HttpURLConnection) page.toURL().openConnection();
    try (InputStream body = connection.getInputStream()) {
      return new String(body.readAllBytes(), UTF_8).contains(LOOKED_FOR);
    }
  }

  private String post() {
    try {
      URI target = page.resolve("/chats/" + recipient + "/messages");
      HttpURLConnection connection = (HttpURLConnection) target.toURL().openConnection();
      connection.setRequestMethod("POST");
      connection.setDoOutput(true);
      connection.setChunkedStreamingMode(0); // or it would be posted again when it has no answer
      connection.setRequestProperty("Content-Type", "application/json");
      connection.setRequestProperty("Idempotency-Key", id);
      connection.setRequestProperty("X-Creator-Id", creator);
      connection.getOutputStream().write(("{\"text\":\"" + text + "\"}").getBytes(UTF_8));
      int status = connection.getResponseCode();
      String wait = Optional.ofNullable(connection.getHeaderField("Retry-After")).orElse("");
      InputStream body = status >= 400 ? connection.getErrorStream() : connection.getInputStream();
      String said = body == null ? "" : new String(body.readAllBytes(), UTF_8);
      return answer(status, wait, said);
    } catch (IOException e) {
      return answer(0, "", "");
    }
  }

  private String answer(int status, String wait, String body) {
    return String.join(
        " ", "answer", encoded(id), Integer.toString(status), encoded(wait), encoded(body));
  }

  static String encoded(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }

  static String decoded(String text) {
    return new String(Base64.getDecoder().decode(text), UTF_8);
  }
}
