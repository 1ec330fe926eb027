package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.DeliveryResult.ErrorType;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Failure;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.ResultStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/**
 * What every {@link ResultStore} promises. A test class for a store extends this one and says how
 * to make it, and what it holds at a path; JUnit then runs all of these.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
public abstract class ResultStoreContract {
  private static final Instant ENDED = Instant.parse("2026-11-21T12:00:00.123Z");

  /** For subclasses. */
  protected ResultStoreContract() {}

  /**
   * {@return a store that holds nothing, and that no other test uses}
   *
   * @throws Exception if it cannot be made; the test fails
   */
  protected abstract ResultStore newStore() throws Exception;

  /**
   * {@return the text that a store holds at a path; empty if it has none there}
   *
   * @param store one that {@link #newStore} made
   * @param path of {@link DeliveryResult#path}
   * @throws Exception if it cannot be asked; the test fails
   */
  protected abstract Optional<String> read(ResultStore store, String path) throws Exception;

  @Test
  void a_result_is_at_its_path_in_the_workers_shape() throws Exception {
    ResultStore store = newStore();
    DeliveryResult result = result("m-1", "user_42", ENDED, "{\"id\":7,\"text\":\"é🙂\"}");

    store.put(result);

    assertThat(read(store, "2026/11/21/user_42/m-1.json"))
        .contains(
            "{\"message_id\":\"m-1\",\"creator_id\":\"user_42\",\"action\":\"send_message\","
                + "\"status\":\"success\",\"timestamp\":\"2026-11-21T12:00:00.123Z\","
                + "\"duration_ms\":120,\"response\":{\"status_code\":200,"
                + "\"data\":{\"id\":7,\"text\":\"é🙂\"}},"
                + "\"metrics\":{\"queue_wait_time_ms\":30,\"scraping_time_ms\":120,"
                + "\"total_time_ms\":150}}");
  }

  @Test
  void a_failure_says_of_which_kind_it_was() throws Exception {
    ResultStore store = newStore();
    DeliveryResult failure = failure("m-1", ENDED);

    store.put(failure);

    assertThat(read(store, failure.path()).orElseThrow())
        .contains("\"status\":\"failure\"")
        .contains("\"error\":{\"type\":\"network\",\"message\":\"no answer\"}")
        .doesNotContain("\"response\"");
  }

  @Test
  void an_oversized_result_is_cut_and_says_so() throws Exception {
    ResultStore store = newStore();
    DeliveryResult result = result("m-1", "user_42", ENDED, "é\n".repeat(500_000));

    store.put(result);

    String held = read(store, result.path()).orElseThrow();
    assertThat(held.getBytes(UTF_8).length).isBetween(200_000, 256 * 1024);
    assertThat(held).startsWith("{\"message_id\":").endsWith("},\"truncated\":true}");
  }

  @Test
  void odd_ids_are_kept_apart() throws Exception {
    ResultStore store = newStore();
    String longId = "x".repeat(300);
    List<String> ids =
        List.of(
            "a",
            "..",
            "../a",
            "a/b",
            "a%2Fb",
            "a\\b",
            "",
            " ",
            "a ",
            "é",
            "🙂",
            "?",
            "*",
            "a:b",
            "a.json",
            "~",
            "\u0000",
            longId,
            longId + "x");
    List<DeliveryResult> results = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      results.add(result(ids.get(i), "user_42", ENDED, "" + i));
      results.add(result("m-1", ids.get(i), ENDED, "" + i));
    }

    results.forEach(store::put);

    for (DeliveryResult result : results) {
      assertThat(read(store, result.path())).as(result.path()).contains(result.toJson());
    }
  }

  @Test
  void the_same_message_again_on_the_same_day_takes_the_place_of_what_was_there() throws Exception {
    ResultStore store = newStore();
    DeliveryResult first = failure("m-1", ENDED);
    DeliveryResult last = result("m-1", "user_42", ENDED.plusSeconds(60), "{}");

    store.put(first);
    store.put(last);

    assertThat(read(store, first.path())).contains(last.toJson());
  }

  @Test
  void the_same_message_on_another_day_is_kept_beside_it() throws Exception {
    ResultStore store = newStore();
    DeliveryResult first = failure("m-1", Instant.parse("2026-11-21T23:59:59.999Z"));
    DeliveryResult last =
        result("m-1", "user_42", Instant.parse("2026-11-22T00:00:00Z"), "\"other\"");

    store.put(first);
    store.put(last);

    assertThat(read(store, "2026/11/21/user_42/m-1.json")).contains(first.toJson());
    assertThat(read(store, "2026/11/22/user_42/m-1.json")).contains(last.toJson());
  }

  @Test
  void what_many_put_at_once_is_whole() throws Exception {
    ResultStore store = newStore();
    String shared = result("shared", "user_42", ENDED, "").path();
    store.put(result("shared", "user_42", ENDED, "\"before\""));
    ExecutorService executor = Executors.newFixedThreadPool(8);
    try {
      List<Callable<List<DeliveryResult>>> writers = new ArrayList<>();
      for (int writer = 0; writer < 8; writer++) {
        String name = "writer-" + writer;
        String body = "\"" + name.repeat(1_000) + "\"";
        writers.add(
            () -> {
              List<DeliveryResult> own = new ArrayList<>();
              for (int i = 0; i < 3; i++) {
                own.add(result(name + "-" + i, "user_42", ENDED, body));
                store.put(own.get(i));
                store.put(result("shared", "user_42", ENDED, body));
                assertThat(read(store, shared).orElseThrow()).endsWith("\"total_time_ms\":150}}");
              }
              return own;
            });
      }
      for (Future<List<DeliveryResult>> written : executor.invokeAll(writers)) {
        for (DeliveryResult result : written.get()) {
          assertThat(read(store, result.path())).contains(result.toJson());
        }
      }
    } finally {
      executor.shutdownNow();
    }
  }

  private static DeliveryResult result(
      String messageId, String creatorId, Instant timestamp, String body) {
    return new DeliveryResult(
        messageId,
        creatorId,
        "send_message",
        Status.SUCCESS,
        timestamp,
        Duration.ofMillis(120),
        Optional.of(new GatewayResponse(200, Optional.empty(), Optional.of(body))),
        Optional.empty(),
        Duration.ofMillis(30),
        Duration.ofMillis(150));
  }

  private static DeliveryResult failure(String messageId, Instant timestamp) {
    return new DeliveryResult(
        messageId,
        "user_42",
        "send_message",
        Status.FAILURE,
        timestamp,
        Duration.ofMillis(120),
        Optional.empty(),
        Optional.of(new Failure(ErrorType.NETWORK, "no answer")),
        Duration.ofMillis(30),
        Duration.ofMillis(150));
  }
}
