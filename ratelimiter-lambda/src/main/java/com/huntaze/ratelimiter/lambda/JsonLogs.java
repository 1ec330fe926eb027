package com.huntaze.ratelimiter.lambda;

import java.util.Map;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.helpers.BasicMDCAdapter;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * Writes logs as lines of JSON to standard output, in a function only: elsewhere the host's own
 * provider does. Named to slf4j by a property, so that nothing is searched for. Thread-safe.
 */
public final class JsonLogs implements SLF4JServiceProvider {
  private final MDCAdapter mdc = new BasicMDCAdapter();
  private final IMarkerFactory markers = new BasicMarkerFactory();
  private final ILoggerFactory loggers = name -> new JsonLogger(name, mdc);

  /** Called by slf4j. */
  public JsonLogs() {}

  /** Makes slf4j use it if this is a function and nothing else was chosen. */
  static void install(Map<String, String> environment) {
    if (environment.containsKey("AWS_LAMBDA_RUNTIME_API")
        && System.getProperty("slf4j.provider") == null) {
      System.setProperty("slf4j.provider", JsonLogs.class.getName());
      System.setProperty("slf4j.internal.verbosity", "WARN"); // or it says so, in a line of text
    }
  }

  @Override
  public ILoggerFactory getLoggerFactory() {
    return loggers;
  }

  @Override
  public IMarkerFactory getMarkerFactory() {
    return markers;
  }

  @Override
  public MDCAdapter getMDCAdapter() {
    return mdc;
  }

  @Override
  public String getRequestedApiVersion() {
    return "2.0.99";
  }

  @Override
  public void initialize() {}
}
