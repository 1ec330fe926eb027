package com.huntaze.ratelimiter.examples.fallback;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.fallback.FallbackException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What all commands have in common: they open the store, work on it, and close it. */
abstract class StoreCommand implements Callable<Integer> {
  static final int DONE = 0;
  static final int UNUSABLE = 1;
  static final int USAGE = 2;
  static final int NOT_FOUND = 3;

  private final FallbackCommand root;
  @Spec private @Nullable CommandSpec spec;

  StoreCommand(FallbackCommand root) {
    this.root = root;
  }

  @Override
  public final Integer call() {
    prepare();
    Output out = new Output(commandLine().getOut(), root.json());
    try (OpenStore opened = root.open()) {
      return run(opened, out);
    } finally {
      out.flush();
    }
  }

  /** Refuses wrong usage, and asks what is to be asked, before the store is opened. */
  void prepare() {}

  /** Does the work. Returns the exit code. */
  abstract int run(OpenStore opened, Output out);

  /** Goes on only if the operator says so, by option or on a console. */
  final void confirm(boolean yes, String whatHappens) {
    if (yes) {
      return;
    }
    Optional<String> answer =
        root.confirmation().answer(whatHappens + " Type yes to go on, anything else to stop: ");
    if (answer.isEmpty()) {
      throw usage("--yes is required where nobody can be asked. " + whatHappens);
    }
    if (!answer.get().strip().equalsIgnoreCase("yes")) {
      throw new StoppedException(USAGE, "not confirmed, so nothing was done");
    }
  }

  final ParameterException usage(String message) {
    return new ParameterException(commandLine(), message);
  }

  private CommandLine commandLine() {
    return requireNonNull(spec).commandLine();
  }

  /** Tells what ended a command in one line; a foreign exception may quote anything. */
  static int told(Exception e, CommandLine commandLine, CommandLine.ParseResult parsed) {
    String said = e.getMessage();
    boolean ours = e instanceof StoppedException || e instanceof FallbackException;
    String line = ours && said != null ? said : "failed with " + e.getClass().getName();
    commandLine
        .getErr()
        .println(
            "fallback: "
                + Texts.safe(line.replace("call createSchema()", "run fallback create-schema")));
    commandLine.getErr().flush();
    return e instanceof StoppedException stopped ? stopped.exitCode() : UNUSABLE;
  }
}
