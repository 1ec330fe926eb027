package com.huntaze.ratelimiter.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The files of this project, for tests that read them. */
public final class Repository {
  private Repository() {}

  public static Path root() {
    Path here = Path.of("").toAbsolutePath();
    while (!Files.exists(here.resolve("ratelimiter-bom"))) {
      here = here.getParent();
    }
    return here;
  }

  public static String read(String path) {
    return read(root().resolve(path));
  }

  public static String read(Path path) {
    try {
      return Files.readString(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every file that is written by hand and read by people or compilers. */
  public static List<Path> files() {
    try (Stream<Path> all = Files.walk(root())) {
      return all.filter(Files::isRegularFile)
          .filter(path -> !root().relativize(path).toString().matches("(.*/)?(target|\\.git)/.*"))
          .filter(
              path ->
                  path.toString()
                      .matches(".*\\.(java|xml|md|lua|sql|sh|config|tf|tftpl|json)|.*/run"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
