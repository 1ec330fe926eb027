package com.huntaze.ratelimiter.jdbc;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * How a {@link JavaProcess} is started. Immutable.
 *
 * @param options the JVM's options
 * @param classPath its class path
 */
record JavaImage(List<String> options, List<String> classPath) {
  /** What the processes need of the tests' class path: each jar more makes them start later. */
  private static final Pattern NEEDED =
      Pattern.compile(
          "(ratelimiter|slf4j-api|jspecify|jackson|postgresql|mariadb-java-client|h2)-.*\\.jar");

  /** A small JVM on the tests' own classes. */
  static JavaImage plain() {
    List<String> options =
        List.of(
            "-Xmx64m",
            "-Xshare:auto",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dslf4j.internal.verbosity=ERROR");
    String[] all = System.getProperty("java.class.path").split(File.pathSeparator);
    return new JavaImage(options, Arrays.stream(all).filter(JavaImage::isNeeded).toList());
  }

  private static boolean isNeeded(String entry) {
    return !entry.endsWith(".jar") || NEEDED.matcher(new File(entry).getName()).matches();
  }

  /**
   * One that starts in half the time: the classes that a process has loaded by the time it prints a
   * certain word are kept in an archive, which takes jars only.
   *
   * @param directory where to put the archive and the jars
   */
  JavaImage prepared(Path directory, Class<?> main, List<String> arguments, String word)
      throws IOException, InterruptedException {
    List<String> jars = new ArrayList<>();
    for (String entry : classPath) {
      Path path = Path.of(entry);
      jars.add(
          Files.isDirectory(path)
              ? jar(path, directory.resolve(jars.size() + ".jar")).toString()
              : entry);
    }
    Path archive = directory.resolve("classes.jsa");
    CountDownLatch said = new CountDownLatch(1);
    try (JavaProcess process =
        JavaProcess.start(
            new JavaImage(with("-XX:ArchiveClassesAtExit=" + archive), jars),
            main,
            arguments,
            line -> {
              if (line.startsWith(word)) {
                said.countDown();
              }
            })) {
      if (!said.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException(main.getName() + " did not say: " + word);
      }
      process.endInput();
      if (!process.endsWithin(Duration.ofSeconds(60)) || !Files.exists(archive)) {
        throw new IllegalStateException("no archive was made");
      }
    }
    return new JavaImage(with("-XX:SharedArchiveFile=" + archive), jars);
  }

  private List<String> with(String option) {
    return Stream.concat(options.stream(), Stream.of(option)).toList();
  }

  private static Path jar(Path classes, Path jar) throws IOException {
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file);
        Stream<Path> all = Files.walk(classes)) {
      for (Path each : all.filter(Files::isRegularFile).toList()) {
        String name = classes.relativize(each).toString().replace(File.separatorChar, '/');
        out.putNextEntry(new JarEntry(name));
        Files.copy(each, out);
      }
    }
    return jar;
  }
}
