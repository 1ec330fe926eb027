package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.DeliveryResult.Status;
import com.huntaze.ratelimiter.delivery.FileResultStore;
import com.huntaze.ratelimiter.delivery.GatewayResponse;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.ResultStoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileResultStoreTest extends ResultStoreContract {
  @TempDir Path temporary;

  private Path directory() {
    return temporary.resolve("results");
  }

  @Override
  protected ResultStore newStore() {
    return new FileResultStore(directory());
  }

  @Override
  protected Optional<String> read(ResultStore store, String path) throws Exception {
    Path file = directory().resolve(path);
    return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
  }

  private static DeliveryResult result(String body) {
    return new DeliveryResult(
        "m-1",
        "user_42",
        "send_message",
        Status.SUCCESS,
        Instant.parse("2026-11-21T12:00:00Z"),
        Duration.ZERO,
        Optional.of(new GatewayResponse(200, Optional.empty(), Optional.of(body))),
        Optional.empty(),
        Duration.ZERO,
        Duration.ZERO);
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.walk(directory())) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  @Test
  void only_the_owner_may_read_what_is_written_and_nothing_else_is_left() throws Exception {
    newStore().put(result("{}"));

    assertThat(files()).hasSize(1);
    try (Stream<Path> all = Files.walk(directory())) {
      assertThat(all)
          .hasSize(6)
          .allSatisfy(
              path ->
                  assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                      .isEqualTo(Files.isDirectory(path) ? "rwx------" : "rw-------"));
    }
  }

  @Test
  void a_result_that_cannot_be_written_leaves_nothing_behind_and_names_the_message()
      throws Exception {
    Path taken = directory().resolve(result("").path());
    Files.createDirectories(taken.resolve("a directory"));

    assertThatThrownBy(() -> newStore().put(result("secret")))
        .isInstanceOf(ResultStoreException.class)
        .hasMessage("the result of message m-1 could not be written to a file")
        .hasStackTraceContaining("FileSystemException")
        .satisfies(e -> assertThat(e.getCause().toString()).doesNotContain("secret"));
    assertThat(files()).isEmpty();
  }

  @Test
  void a_directory_that_is_none_is_a_failure_of_the_store() throws Exception {
    Files.writeString(directory(), "a file");

    assertThatThrownBy(() -> newStore().put(result("{}"))).isInstanceOf(ResultStoreException.class);
  }

  @Test
  void a_directory_that_was_tidied_away_is_made_again() throws Exception {
    ResultStore store = newStore();
    store.put(result("1"));
    Directories.delete(directory());

    store.put(result("2"));

    assertThat(read(store, result("").path()).orElseThrow()).contains("\"data\":2");
  }
}
