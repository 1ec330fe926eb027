package com.huntaze.ratelimiter.examples.fallback;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** Brings all rows to the current key. */
@Command(
    name = "encrypt-again",
    description =
        "Encrypt with the key FALLBACK_KEY_ID what is in the clear or of an earlier key. Safe to"
            + " run again.")
final class EncryptAgainCommand extends StoreCommand {
  EncryptAgainCommand(FallbackCommand root) {
    super(root);
  }

  @Override
  int run(OpenStore opened, Output out) {
    if (!opened.encrypts()) {
      throw new StoppedException(
          UNUSABLE,
          Keys.KEYS + " is unset; set it and " + Keys.CURRENT + " to the keys to encrypt with");
    }
    long encrypted = opened.store().encryptAgain();
    Map<String, @Nullable Object> document = new LinkedHashMap<>();
    document.put("encrypted", encrypted);
    out.document(document);
    out.line(Texts.messages(encrypted) + " encrypted");
    return DONE;
  }
}
