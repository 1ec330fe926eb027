package com.huntaze.ratelimiter.jdbc;

import java.util.Map;
import java.util.Optional;
import javax.crypto.SecretKey;

/**
 * The keys that a store encrypts with at rest. Implemented by the host, over its key management, or
 * by {@link #of}; asked for every row, so an implementation keeps what it fetched. Thread-safe.
 *
 * <p>Rotation: add a key, make it the current one, let {@link JdbcFallbackStore#encryptAgain} run,
 * and take the old one away.
 */
public interface EncryptionKeys {
  /** {@return the id of the key that rows are encrypted with from now on, up to 255 characters} */
  String currentId();

  /**
   * The key of an id that a row names.
   *
   * @param id the id
   * @return an AES key; empty if there is none of that id
   */
  Optional<SecretKey> key(String id);

  /**
   * Keys that do not change while the store is used.
   *
   * @param currentId the id of the key that rows are encrypted with
   * @param keys the AES keys by id, the current one among them
   * @return the keys
   * @throws IllegalArgumentException if there is no key of the current id
   */
  static EncryptionKeys of(String currentId, Map<String, SecretKey> keys) {
    Map<String, SecretKey> copy = Map.copyOf(keys);
    if (!copy.containsKey(currentId)) {
      throw new IllegalArgumentException(
          "currentId must be one of the keys' " + copy.keySet() + ", was '" + currentId + "'");
    }
    return new EncryptionKeys() {
      @Override
      public String currentId() {
        return currentId;
      }

      @Override
      public Optional<SecretKey> key(String id) {
        return Optional.ofNullable(copy.get(id));
      }

      @Override
      public String toString() {
        return "EncryptionKeys" + copy.keySet();
      }
    };
  }
}
