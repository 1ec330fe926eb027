package com.huntaze.ratelimiter.examples.fallback;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** Makes the tables. */
@Command(
    name = "create-schema",
    description = "Bring the tables to this version; changes nothing where they are.")
final class CreateSchemaCommand extends StoreCommand {
  CreateSchemaCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  int run(OpenStore opened, Output out) {
    opened.store().createSchema();
    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("schema", "ready");
    out.document(document);
    out.line("the tables are ready");
    return DONE;
  }
}
