package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.RateLimiterConfig;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** docs/configuration.md says what the sources say. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class ConfigurationPageTest {
  private static final String PAGE = Repository.read("docs/configuration.md");

  private static final Pattern REGION =
      Pattern.compile("// PAGE: (\\w+)\\n(.*?)// PAGE: end", Pattern.DOTALL);
  private static final Pattern BLOCK = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);
  private static final Pattern ROW = Pattern.compile("\\| `([A-Z_]+)` \\|([^|]*)\\|.*");
  private static final Pattern SETTING = Pattern.compile("\"([A-Z][A-Z0-9_]{3,})\\b[^\"]*\"");

  /** Where names of settings are read; whoever else asks for the environment is found. */
  private static final Set<String> READERS =
      Set.of(
          "RateLimiterConfig.java",
          "WorkerSettings.java",
          "HealthProbe.java",
          "Keys.java",
          "lambda/Settings.java");

  /** Asks for the environment and hands it on to one of these, or is no part of a deployment. */
  private static final Set<String> OTHERS =
      Set.of(
          "fallback/Settings.java",
          "WorkerProcess.java",
          "RateLimiterHandler.java",
          "BrowserExample.java",
          "PlaywrightBrowser.java");

  /** What they build is a message, and no part. */
  private static final Set<String> MESSAGES =
      Set.of("OnlyFansMessage", "OnlyFansAction", "OutboundMessage");

  private static Map<String, String> regions() {
    Map<String, String> regions = new LinkedHashMap<>();
    Matcher region =
        REGION.matcher(
            Repository.read(
                "ratelimiter-examples/src/test/java/com/huntaze/ratelimiter/examples/"
                    + "ConfigurationExample.java"));
    while (region.find()) {
      regions.put(region.group(1), region.group(2));
    }
    return regions;
  }

  private static List<String> blocks() {
    return BLOCK.matcher(PAGE).results().map(block -> block.group(1)).toList();
  }

  private static String withoutSpace(String code) {
    return code.replaceAll("\\s+", "");
  }

  /** The sources of what is published, and of the examples that run in a deployment. */
  private static List<Path> sources() {
    return Repository.files().stream()
        .filter(path -> path.toString().endsWith(".java"))
        .filter(path -> path.toString().contains("/src/main/"))
        .filter(path -> !path.toString().contains("ratelimiter-testkit"))
        .filter(path -> !path.toString().contains("ratelimiter-benchmarks"))
        .toList();
  }

  private static List<Path> libraries() {
    return sources().stream()
        .filter(path -> !path.toString().contains("ratelimiter-examples"))
        .toList();
  }

  private static boolean isOneOf(Set<String> names, Path path) {
    return names.stream().anyMatch(name -> path.endsWith(name));
  }

  @Test
  void the_code_of_the_page_compiles_and_all_of_it_is_shown() {
    assertThat(regions()).hasSizeGreaterThan(10);
    assertThat(blocks().stream().map(ConfigurationPageTest::withoutSpace))
        .containsExactlyInAnyOrderElementsOf(
            regions().values().stream().map(ConfigurationPageTest::withoutSpace).toList());
  }

  @Test
  void every_option_of_every_builder_stands_on_the_page_with_a_comment() {
    Map<String, String> regions = regions();
    List<String> missing = new ArrayList<>();
    Map<String, Class<?>> builders = builders();
    assertThat(builders).hasSizeGreaterThanOrEqualTo(13);
    builders.forEach(
        (name, builder) -> {
          String shown = regions.getOrDefault(name, "");
          options(builder)
              .forEach(
                  (option, overloads) -> {
                    int commented = count(shown, "//[^\\n]*\\n\\s*\\." + option + "\\(");
                    // these two stand together under one comment
                    if (option.equals("encryptWithKms")) {
                      commented = count(shown, "\\." + option + "\\(");
                    }
                    if (commented < overloads) {
                      missing.add(name + "." + option);
                    }
                  });
        });
    assertThat(missing).as("options that the page does not show, or without a comment").isEmpty();
  }

  /** By the name of what they build, found in the sources and loaded. */
  private static Map<String, Class<?>> builders() {
    Map<String, Class<?>> builders = new TreeMap<>();
    for (Path path : libraries()) {
      String source = Repository.read(path);
      String name = path.getFileName().toString().replace(".java", "");
      if (!source.contains(" class Builder {") || MESSAGES.contains(name)) {
        continue;
      }
      Matcher of = Pattern.compile("package ([\\w.]+);").matcher(source);
      assertThat(of.find()).isTrue();
      String type = of.group(1) + "." + name + "$Builder";
      try {
        builders.put(name, Class.forName(type));
      } catch (ClassNotFoundException e) {
        throw new AssertionError(type + " is not on the class path of the examples", e);
      }
    }
    return builders;
  }

  private static Map<String, Long> options(Class<?> builder) {
    return Stream.of(builder.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()))
        .filter(method -> method.getReturnType() == builder)
        .collect(Collectors.groupingBy(Method::getName, TreeMap::new, Collectors.counting()));
  }

  private static int count(String text, String regex) {
    return (int) Pattern.compile(regex).matcher(text).results().count();
  }

  @Test
  void what_the_javadoc_says_of_a_default_the_page_says() {
    Map<String, String> regions = regions();
    List<String> wrong = new ArrayList<>();
    int compared = 0;
    for (Path path : libraries()) {
      String name = path.getFileName().toString().replace(".java", "");
      String source = Repository.read(path);
      int from = source.indexOf(" class Builder {");
      if (from < 0 || MESSAGES.contains(name)) {
        continue;
      }
      Matcher option =
          Pattern.compile("/\\*\\*((?:(?!\\*/).)*)\\*/\\s+public Builder (\\w+)\\(", Pattern.DOTALL)
              .matcher(source.substring(from));
      while (option.find()) {
        Matcher stated =
            Pattern.compile("Default:? (\\{@link \\w*#(\\w+)}|[^.;,:{]+)")
                .matcher(option.group(1).replaceAll("\\s*\\n\\s*\\*\\s*", " "));
        if (!stated.find()) {
          continue;
        }
        String value = (stated.group(2) != null ? stated.group(2) : stated.group(1)).strip();
        Matcher comment =
            Pattern.compile("//([^\\n]*)\\n\\s*\\." + option.group(2) + "\\(")
                .matcher(regions.getOrDefault(name, ""));
        compared++;
        if (comment.results().noneMatch(each -> saysSo(each.group(1), value))) {
          wrong.add(name + "." + option.group(2) + ": default " + value);
        }
      }
    }
    assertThat(wrong).as("defaults that the page does not state in the javadoc's words").isEmpty();
    assertThat(compared).isGreaterThan(60);
  }

  /** In the words of the javadoc, as far as they fit into a line. */
  private static boolean saysSo(String comment, String value) {
    String said = comment.toLowerCase(Locale.ROOT);
    String first = value.toLowerCase(Locale.ROOT).split(" (?=for |that |and |what )", 2)[0];
    return said.contains("default") && said.contains(first);
  }

  @Test
  void every_setting_that_the_code_reads_is_in_the_table_and_no_other() {
    Set<String> read = new TreeSet<>();
    for (Path path : sources()) {
      if (isOneOf(READERS, path)) {
        SETTING.matcher(Repository.read(path)).results().forEach(name -> read.add(name.group(1)));
      }
    }
    assertThat(read).hasSizeGreaterThan(20);
    assertThat(rows().keySet()).containsExactlyInAnyOrderElementsOf(read);
  }

  @Test
  void nobody_else_asks_for_the_environment() {
    assertThat(sources())
        .filteredOn(path -> Repository.read(path).contains("getenv"))
        .allSatisfy(
            path ->
                assertThat(isOneOf(READERS, path) || isOneOf(OTHERS, path))
                    .as("%s reads the environment", path)
                    .isTrue());
  }

  @Test
  void the_defaults_of_the_table_are_the_codes() {
    RateLimiterConfig unset = RateLimiterConfig.from(Map.of());
    Map<String, String> rows = rows();
    assertThat(rows)
        .containsEntry("RATE_LIMITER_ENABLED", unset.enabled() ? "on" : "off")
        .containsEntry("RATE_LIMITER_ROLLOUT_PERCENT", String.valueOf(unset.rolloutPercent()))
        .containsEntry("AWS_REGION", unset.region())
        .containsEntry("RATE_LIMIT", unset.rateLimit().toString())
        .containsEntry("ENVIRONMENT", unset.environment());
  }

  private static Map<String, String> rows() {
    Map<String, String> rows = new TreeMap<>();
    PAGE.lines()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .forEach(row -> assertThat(rows.put(row.group(1), row.group(2).strip())).isNull());
    return rows;
  }
}
