package com.huntaze.ratelimiter.lambda;

import com.huntaze.ratelimiter.RateLimiterConfig;
import com.huntaze.ratelimiter.limit.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The present values of secrets in Secrets Manager, for {@link RateLimiterConfig#withSecrets}.
 *
 * <p>Used by the function, which refreshes before each event, and by the reference worker of the
 * examples, which does so in the background; a host may do either. {@link #find} answers from
 * memory. {@link #refresh} reads what is older than 5 minutes, each with a time-out of 2 s.
 * Thread-safe.
 *
 * <p><b>Failure:</b> while a secret cannot be read its last value goes on being used, which is
 * logged once, and it is asked for again after 30 s. One that was never read fails the refresh. No
 * value and no secret's name appears in a log or a message.
 */
public final class RotatingSecrets {
  private static final Logger log = LoggerFactory.getLogger(RotatingSecrets.class);
  private static final long FRESH_NANOS = Duration.ofMinutes(5).toNanos();
  private static final long AGAIN_NANOS = Duration.ofSeconds(30).toNanos();

  private final Map<String, Secret> secrets = new LinkedHashMap<>();
  private final UnaryOperator<String> reader;
  private final Ticker ticker;

  RotatingSecrets(Map<String, String> ids, UnaryOperator<String> reader, Ticker ticker) {
    ids.forEach((name, id) -> secrets.put(name, new Secret(name, id)));
    this.reader = reader;
    this.ticker = ticker;
  }

  /**
   * Secrets of Secrets Manager, none of them read yet.
   *
   * @param ids by the name of the setting it stands for, such as {@code REDIS_AUTH_TOKEN}: the
   *     secret's ARN or name, with {@code #field} behind it where its value is a JSON object. Those
   *     who set it know it as that name with {@code _SECRET}
   * @param config region, endpoint and credentials for asking
   * @param ticker the monotonic clock
   * @return the secrets
   */
  public static RotatingSecrets of(
      Map<String, String> ids, RateLimiterConfig config, Ticker ticker) {
    return new RotatingSecrets(
        ids, ids.isEmpty() ? UnaryOperator.identity() : SecretsManager.of(config)::read, ticker);
  }

  /**
   * Reads what was not read yet or is older than 5 minutes, one after the other; otherwise returns
   * at once.
   *
   * @throws IllegalArgumentException if one cannot be read that never was; the message names the
   *     settings of all of them
   */
  public synchronized void refresh() {
    List<String> missing = new ArrayList<>();
    for (Secret secret : secrets.values()) {
      String why = secret.refresh();
      if (why != null) {
        missing.add(secret.name + "_SECRET cannot be read from Secrets Manager: " + why);
      }
    }
    if (!missing.isEmpty()) {
      throw new UnreadableSecretException(String.join("; ", missing));
    }
  }

  /**
   * Whether a setting's value is a secret here.
   *
   * @param name the setting's name
   * @return whether it is, read or not
   */
  public boolean has(String name) {
    return secrets.containsKey(name);
  }

  /**
   * The value that was read last; makes no call.
   *
   * @param name the setting's name
   * @return its value, or empty if it is no secret here
   * @throws IllegalStateException if it was not read yet
   */
  public Optional<String> find(String name) {
    Secret secret = secrets.get(name);
    if (secret == null) {
      return Optional.empty();
    }
    String value = secret.value;
    if (value == null) {
      throw new IllegalStateException(name + "_SECRET was not read yet");
    }
    return Optional.of(value);
  }

  /** One of them; all but its value is guarded by the refresh's lock. */
  private final class Secret {
    private final String name;
    private final String id;
    private volatile @Nullable String value;
    private long nextNanos;
    private boolean isFailing;

    Secret(String name, String id) {
      this.name = name;
      this.id = id;
    }

    /** Reads it if that is due; says why not if there is no value at all. */
    @Nullable String refresh() {
      String known = value;
      if (known != null && ticker.nanos() - nextNanos < 0) {
        return null;
      }
      try {
        take(known, reader.apply(id));
        return null;
      } catch (RuntimeException e) {
        boolean isOurs = e instanceof UnreadableSecretException;
        String why = isOurs ? String.valueOf(e.getMessage()) : e.getClass().getName();
        return known == null ? why : keep(why);
      }
    }

    private void take(@Nullable String known, String read) {
      value = read;
      nextNanos = ticker.nanos() + FRESH_NANOS;
      if (isFailing) {
        isFailing = false;
        log.info("{}_SECRET can be read again", name);
      }
      if (known != null && !known.equals(read)) {
        log.info("{} has a new value", name);
      }
    }

    private @Nullable String keep(String why) {
      nextNanos = ticker.nanos() + AGAIN_NANOS;
      if (!isFailing) {
        isFailing = true;
        log.warn(
            "{}_SECRET cannot be read from Secrets Manager, its last value goes on being used: {}",
            name,
            why);
      }
      return null;
    }
  }
}
