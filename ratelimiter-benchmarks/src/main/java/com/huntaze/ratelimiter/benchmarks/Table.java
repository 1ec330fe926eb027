package com.huntaze.ratelimiter.benchmarks;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Prints a Markdown table, each row as soon as it is known. */
final class Table {
  private Table(String... columns) {
    System.out.println();
    row((Object[]) columns);
    System.out.println("|---".repeat(columns.length) + "|");
  }

  static Table titled(String title, String... columns) {
    System.out.printf("%n### %s%n", title);
    return new Table(columns);
  }

  void row(Object... cells) {
    System.out.println(
        Arrays.stream(cells).map(Table::text).collect(Collectors.joining(" | ", "| ", " |")));
  }

  private static String text(Object cell) {
    return cell instanceof Double number ? text((double) number) : cell.toString();
  }

  private static String text(double number) {
    String form = number < 10 ? "%.3f" : number < 1_000 ? "%.1f" : "%,.0f";
    return String.format(Locale.ROOT, form, number);
  }
}
