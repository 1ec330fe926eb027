package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** docs/requirements.md is complete, and what it names exists. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RequirementsTest {
  private static final Pattern ROW = Pattern.compile("\\| ([A-Z]?[0-9.]+) \\| (.+?) \\| (.+?) \\|");
  private static final Pattern NAMED =
      Pattern.compile("([A-Z]\\w+(?:Test|Contract))(?:#(\\w+))?|file:(\\S+)");
  private static final String PENDING = "issue pending";

  private static final Map<String, Integer> IDS = new LinkedHashMap<>();

  static {
    IDS.put("C", 10);
    IDS.put("L", 11);
    IDS.put("Q", 7);
    IDS.put("A", 7);
    IDS.put("W", 12);
    IDS.put("F", 5);
    IDS.put("O", 5);
    IDS.put("X", 6);
    IDS.put("H", 6);
    IDS.put("D", 21);
    IDS.put("I", 7);
    IDS.put("8.", 17);
    IDS.put("9.", 4);
  }

  private static Map<String, String> rows() {
    Map<String, String> rows = new LinkedHashMap<>();
    Repository.read("docs/requirements.md")
        .lines()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .forEach(row -> assertThat(rows.put(row.group(1), row.group(3))).as(row.group(1)).isNull());
    return rows;
  }

  @Test
  void every_requirement_has_one_row() {
    List<String> expected = new ArrayList<>();
    IDS.forEach(
        (letter, count) -> IntStream.rangeClosed(1, count).forEach(i -> expected.add(letter + i)));
    assertThat(rows().keySet()).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void every_test_and_file_that_is_named_exists() {
    Map<String, String> sources = new LinkedHashMap<>();
    for (Path path : Repository.files()) {
      String name = path.getFileName().toString();
      if (name.endsWith("Test.java") || name.endsWith("Contract.java")) {
        sources.put(name.replace(".java", ""), Repository.read(path));
      }
    }
    List<String> missing = new ArrayList<>();
    rows()
        .forEach(
            (id, shown) -> {
              Matcher named = NAMED.matcher(shown);
              boolean any = shown.contains(PENDING);
              while (named.find()) {
                any = true;
                if (!exists(named, sources)) {
                  missing.add(id + ": " + named.group());
                }
              }
              if (!any) {
                missing.add(id + ": nothing is named");
              }
            });
    assertThat(missing).isEmpty();
    System.out.println(
        "Requirements that are pending, wholly or in part: "
            + rows().entrySet().stream()
                .filter(row -> row.getValue().contains(PENDING))
                .map(Map.Entry::getKey)
                .toList());
  }

  private static boolean exists(Matcher named, Map<String, String> sources) {
    if (named.group(3) != null) {
      return Files.exists(Repository.root().resolve(named.group(3)));
    }
    String source = sources.get(named.group(1));
    return source != null
        && (named.group(2) == null || source.contains("void " + named.group(2) + "("));
  }
}
