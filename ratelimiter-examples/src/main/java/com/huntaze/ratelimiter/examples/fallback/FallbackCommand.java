package com.huntaze.ratelimiter.examples.fallback;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * The operator's command line for messages that the queue would not take: looks at them, sends them
 * again, deletes them. {@code fallback --help} tells the rest.
 */
@Command(
    name = "fallback",
    synopsisSubcommandLabel = "COMMAND",
    description = "Looks at, replays and deletes the messages that the queue would not take.",
    footer = {
      "%nSettings: DATABASE_URL; for replay SQS_RATE_LIMITER_QUEUE and AWS_*; for encrypted rows"
          + " FALLBACK_KEYS (id=base64,id2=base64) and FALLBACK_KEY_ID.",
      "%nA message's id that begins with - goes behind --."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:the store or the queue could not be used; what was done so far is told",
      "2:wrong usage, or not confirmed",
      "3:no message of that id, or not a dead one"
    })
public final class FallbackCommand {
  private final Settings settings;
  private final Confirmation confirmation;

  @Option(names = "--json", scope = ScopeType.INHERIT, description = "Print JSON instead of text.")
  private boolean json;

  @Option(
      names = "--properties",
      paramLabel = "FILE",
      scope = ScopeType.INHERIT,
      description = "A properties file for the settings that the environment leaves unset.")
  private @Nullable Path properties;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help and exit.")
  @SuppressWarnings("UnusedVariable") // picocli looks at it
  private boolean help;

  private FallbackCommand(Settings settings, Confirmation confirmation) {
    this.settings = settings;
    this.confirmation = confirmation;
  }

  /**
   * Runs one command and ends the process with its exit code.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    // Before the first logger: standard output is for answers.
    if (System.getProperty("logback.configurationFile") == null) {
      System.setProperty("logback.configurationFile", "fallback-logback.xml");
    }
    System.exit(commandLine(Settings.ofEnvironment(), Confirmation.onConsole()).execute(args));
  }

  static CommandLine commandLine(Settings settings, Confirmation confirmation) {
    var root = new FallbackCommand(settings, confirmation);
    return new CommandLine(root)
        .addSubcommand(new ListCommand(root))
        .addSubcommand(new ShowCommand(root))
        .addSubcommand(new StatsCommand(root))
        .addSubcommand(new ReplayCommand(root))
        .addSubcommand(new ReviveCommand(root))
        .addSubcommand(new DeleteCommand(root))
        .addSubcommand(new PurgeCommand(root))
        .addSubcommand(new EraseCommand(root))
        .addSubcommand(new EncryptAgainCommand(root))
        .addSubcommand(new CreateSchemaCommand(root))
        .setExpandAtFiles(false) // a message's id may begin with @
        .setExecutionExceptionHandler(StoreCommand::told);
  }

  boolean json() {
    return json;
  }

  Confirmation confirmation() {
    return confirmation;
  }

  OpenStore open() {
    return OpenStore.open(settings, properties);
  }
}
