package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What servers write to disk, and its end. */
final class Directories {
  private Directories() {}

  /** Deletes it with all that is in it; what has gone in the meantime is no failure. */
  static void delete(Path directory) throws IOException {
    if (Files.notExists(directory)) {
      return;
    }
    clear(directory);
    Files.deleteIfExists(directory);
  }

  /** Deletes all that is in it. */
  static void clear(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      List<Path> deepestFirst =
          files.filter(file -> !file.equals(directory)).sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.deleteIfExists(file);
      }
    }
  }
}
