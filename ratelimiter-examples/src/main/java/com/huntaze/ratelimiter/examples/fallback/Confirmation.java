package com.huntaze.ratelimiter.examples.fallback;

import java.io.Console;
import java.util.Optional;

/** Who is asked before messages are deleted. */
interface Confirmation {
  /** Asks, and waits for a line; empty if there is nobody to ask. */
  Optional<String> answer(String question);

  @SuppressWarnings("SystemConsoleNull") // From JDK 22 on it is asked whether it is a terminal.
  static Confirmation onConsole() {
    Console console = System.console();
    return question ->
        console == null || !isTerminal(console)
            ? Optional.empty()
            : Optional.ofNullable(console.readLine("%s", question)).or(() -> Optional.of("no"));
  }

  /** Until JDK 22 there is no console but a terminal, and no way to ask. */
  private static boolean isTerminal(Console console) {
    if (Runtime.version().feature() < 22) {
      return true;
    }
    try {
      return Boolean.TRUE.equals(Console.class.getMethod("isTerminal").invoke(console));
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
