package com.huntaze.ratelimiter.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class RepositoryTest {
  private static final Pattern REGION =
      Pattern.compile("// README: \\w+\\n(.*?)// README: end", Pattern.DOTALL);
  private static final Pattern BLOCK = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

  @Test
  void the_readme_is_short_and_begins_with_the_two_commands() {
    String readme = Repository.read("README.md");
    assertThat(readme.lines().count()).isLessThanOrEqualTo(150);
    assertThat(readme.lines().limit(12)).anyMatch(line -> line.startsWith("mvn -Pquickstart"));
    assertThat(readme.lines().limit(12)).anyMatch(line -> line.startsWith("mvn verify"));
  }

  @Test
  void the_code_of_the_readme_compiles() {
    String source =
        Repository.read(
            "ratelimiter-examples/src/test/java/com/huntaze/ratelimiter/examples/HostExample.java");
    Matcher block = BLOCK.matcher(Repository.read("README.md"));
    Matcher region = REGION.matcher(source);
    int compared = 0;
    while (region.find()) {
      assertThat(block.find()).as("the README shows region %d", compared).isTrue();
      String shown = withoutSpace(block.group(1));
      String compiled = withoutSpace(region.group(1));
      assertThat(shown).isIn(compiled, compiled + "}");
      compared++;
    }
    assertThat(compared).isEqualTo(3);
    assertThat(block.find()).as("the README shows code that is not compiled").isFalse();
  }

  private static String withoutSpace(String code) {
    return code.replaceAll("\\s+", "");
  }

  @Test
  void no_test_sleeps_or_is_switched_off() {
    assertThat(Repository.files())
        .filteredOn(path -> path.toString().contains("/src/test/"))
        .isNotEmpty()
        .allSatisfy(
            path ->
                assertThat(Repository.read(path))
                    .doesNotContain("Thread" + ".sleep(")
                    .doesNotContain("SECONDS" + ".sleep(")
                    .doesNotContain("@Dis" + "abled")
                    .doesNotContain("assume" + "True("));
  }

  @Test
  void no_account_number_stands_anywhere() {
    Pattern account = Pattern.compile("(?<![0-9.x-])(?!0{12})[0-9]{12}(?![0-9])");
    assertThat(Repository.files())
        .isNotEmpty()
        .allSatisfy(path -> assertThat(account.matcher(Repository.read(path)).find()).isFalse());
  }
}
