package com.huntaze.ratelimiter;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A database as JDBC takes it, read from {@code jdbc:postgresql://host/db} or from {@code
 * postgresql://user:password@host/db}. Immutable and thread-safe; {@link #toString} shows no
 * credentials.
 *
 * @param jdbcUrl the URL for JDBC; may hold credentials if it was given with them
 * @param user the user, where the URL named one
 * @param password the password, where the URL named one
 */
public record DatabaseUrl(String jdbcUrl, Optional<String> user, Optional<String> password) {
  private static final List<String> DIALECTS = List.of("postgresql", "mysql", "mariadb", "h2");
  private static final String ALLOWED =
      "jdbc:<dialect>:… or <dialect>://user:password@host/database with a dialect of "
          + String.join(", ", DIALECTS);

  /**
   * Reads a URL of either form.
   *
   * @param text the URL
   * @return the database
   * @throws IllegalArgumentException if it has neither form or an unknown dialect; says what is
   *     allowed, and of the value only its dialect
   */
  public static DatabaseUrl parse(String text) {
    String lower = text.strip().toLowerCase(Locale.ROOT);
    if (lower.startsWith("jdbc:")) {
      String dialect = lower.substring(5).split(":", 2)[0];
      if (!DIALECTS.contains(dialect)) {
        throw new IllegalArgumentException("must be " + ALLOWED + ", was of '" + dialect + "'");
      }
      return new DatabaseUrl(text.strip(), Optional.empty(), Optional.empty());
    }
    URI uri;
    try {
      uri = new URI(text.strip());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("must be " + ALLOWED + ", was no URL");
    }
    String dialect = "postgres".equals(uri.getScheme()) ? "postgresql" : uri.getScheme();
    if (dialect == null || !DIALECTS.contains(dialect) || uri.getHost() == null) {
      throw new IllegalArgumentException("must be " + ALLOWED + ", was of '" + dialect + "'");
    }
    String[] credentials =
        uri.getRawUserInfo() == null ? new String[0] : uri.getRawUserInfo().split(":", 2);
    String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    return new DatabaseUrl(
        "jdbc:" + dialect + "://" + uri.getHost() + port + uri.getRawPath() + query,
        credentials.length > 0 ? Optional.of(decoded(credentials[0])) : Optional.empty(),
        credentials.length > 1 ? Optional.of(decoded(credentials[1])) : Optional.empty());
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return "DatabaseUrl[" + jdbcUrl.split(":", 3)[1] + "]"; // the rest may hold credentials
  }
}
