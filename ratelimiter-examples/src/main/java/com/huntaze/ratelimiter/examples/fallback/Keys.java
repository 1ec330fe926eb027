package com.huntaze.ratelimiter.examples.fallback;

import com.huntaze.ratelimiter.jdbc.EncryptionKeys;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** Reads the keys of encrypted rows from the environment; no message shows one. */
final class Keys {
  static final String KEYS = "FALLBACK_KEYS";
  static final String CURRENT = "FALLBACK_KEY_ID";

  private static final Set<Integer> AES_BYTES = Set.of(16, 24, 32);

  private Keys() {}

  /**
   * Reads them; empty if both settings are unset.
   *
   * @throws StoppedException if they are not as they should be
   */
  static Optional<EncryptionKeys> read(Settings settings) {
    Optional<String> text = settings.variable(KEYS);
    Optional<String> current = settings.variable(CURRENT);
    if (text.isEmpty()) {
      if (current.isPresent()) {
        throw wrong(CURRENT + " is set and " + KEYS + " is not");
      }
      return Optional.empty();
    }
    Map<String, SecretKey> keys = new LinkedHashMap<>();
    String[] items = text.get().split(",");
    for (int i = 0; i < items.length; i++) {
      // By its number: what stands where an id should may be a key.
      String item = "item " + (i + 1) + " of " + KEYS;
      String[] parts = items[i].strip().split("=", 2);
      if (parts.length < 2 || parts[0].isBlank()) {
        throw wrong(item + " must be id=base64");
      }
      if (keys.put(parts[0].strip(), key(item, parts[1].strip())) != null) {
        throw wrong(item + " has the id of an earlier one");
      }
    }
    String id = current.orElse("");
    if (!keys.containsKey(id)) {
      throw wrong(CURRENT + " must be one of the ids in " + KEYS + ", " + keys.keySet());
    }
    return Optional.of(EncryptionKeys.of(id, keys));
  }

  private static SecretKey key(String item, String base64) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw wrong(item + " must be id=base64, and what is behind its = is not Base64");
    }
    if (!AES_BYTES.contains(bytes.length)) {
      throw wrong(item + " must be an AES key of 16, 24 or 32 bytes, had " + bytes.length);
    }
    return new SecretKeySpec(bytes, "AES");
  }

  private static StoppedException wrong(String message) {
    return new StoppedException(StoreCommand.UNUSABLE, message);
  }
}
