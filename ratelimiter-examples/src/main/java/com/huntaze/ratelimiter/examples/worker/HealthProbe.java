package com.huntaze.ratelimiter.examples.worker;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

/** Asks a worker on this machine how it is, for a container without {@code curl}. */
public final class HealthProbe {
  private static final int PATIENCE_MILLIS = 3_000;

  private HealthProbe() {}

  /**
   * Ends with 0 if the worker answers 200, else with 1.
   *
   * @param args none; the port is {@code WORKER_HEALTH_PORT}, default 8080
   */
  public static void main(String[] args) {
    String port = System.getenv().getOrDefault("WORKER_HEALTH_PORT", "8080");
    System.exit(isHealthy("http://127.0.0.1:" + port + "/health") ? 0 : 1);
  }

  private static boolean isHealthy(String url) {
    try {
      HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
      connection.setConnectTimeout(PATIENCE_MILLIS);
      connection.setReadTimeout(PATIENCE_MILLIS);
      return connection.getResponseCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }
}
