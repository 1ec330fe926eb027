package com.huntaze.ratelimiter.jdbc;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.fallback.FallbackException;
import com.huntaze.ratelimiter.queue.OutboundMessage;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the column {@code payload}: the message as the queue would get it, in the clear or
 * encrypted. Encrypted it is Base64 of a random nonce of 12 bytes, and of what AES-GCM makes of the
 * text with a tag of 16 bytes and the row's id as associated data, so that no row can pass for
 * another. Thread-safe.
 */
final class Payloads {
  private static final PayloadCodec CODEC = PayloadCodec.standard();
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final int MAX_KEY_ID = 255;

  /** A row that cannot be read, ever. */
  static final class UnreadableException extends Exception {
    private static final long serialVersionUID = 1L;

    UnreadableException(String why) {
      super(why);
    }
  }

  /** Whoever has the keys does not answer; nothing is said of the row. */
  static final class KeysDownException extends FallbackException {
    private static final long serialVersionUID = 1L;

    KeysDownException(String message) {
      super(message, null);
    }
  }

  /** What a row has of a message. */
  record Payload(String text, @Nullable String keyId) {
    @Override
    public String toString() {
      return "Payload[keyId=" + keyId + "]";
    }
  }

  private final @Nullable EncryptionKeys keys;

  Payloads(@Nullable EncryptionKeys keys) {
    this.keys = keys;
  }

  /** Which key new rows are encrypted with; null for none. */
  @Nullable String currentKeyId() {
    return keys == null ? null : keys.currentId();
  }

  Payload write(OutboundMessage message) {
    String text = CODEC.encode(message.withRevival(0));
    if (text.codePoints().anyMatch(Payloads::isHalfSurrogate)) {
      throw new FallbackException(
          "message " + message.messageId() + " has half a surrogate pair, which no table takes",
          null);
    }
    return write(message.messageId(), text);
  }

  static boolean isHalfSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  /**
   * The same payload, encrypted with the current key.
   *
   * @throws UnreadableException if it cannot be read, be it for lack of its key
   */
  Payload writeAgain(String id, Payload payload) throws UnreadableException {
    String text;
    try {
      text = open(id, payload);
    } catch (FallbackException e) {
      throw new UnreadableException(String.valueOf(e.getMessage()));
    }
    return write(id, text);
  }

  private Payload write(String id, String text) {
    EncryptionKeys by = keys;
    if (by == null) {
      return new Payload(text, null);
    }
    String keyId = by.currentId();
    if (keyId.isEmpty() || keyId.length() > MAX_KEY_ID) {
      throw new FallbackException(
          "the id of the current key must have 1 to 255 characters, had " + keyId.length(), null);
    }
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key(by, id, keyId), nonce, id);
      byte[] sealed = cipher.doFinal(text.getBytes(UTF_8));
      byte[] all = ByteBuffer.allocate(nonce.length + sealed.length).put(nonce).put(sealed).array();
      return new Payload(Base64.getEncoder().encodeToString(all), keyId);
    } catch (GeneralSecurityException e) {
      throw new FallbackException(
          "message " + id + " could not be encrypted: " + e.getClass().getSimpleName(), null);
    }
  }

  /**
   * Reads a message back.
   *
   * @throws UnreadableException if it was altered, and will never be read
   * @throws FallbackException if its key is not at hand, which may change
   */
  OutboundMessage read(String id, Payload payload, int revivals) throws UnreadableException {
    OutboundMessage message;
    try {
      message = CODEC.decode(open(id, payload));
    } catch (PayloadException e) {
      throw new UnreadableException("the payload cannot be read: " + e.getMessage());
    }
    if (!message.messageId().equals(id)) {
      throw new UnreadableException("the payload has another message's id");
    }
    return message.withRevival(revivals);
  }

  private String open(String id, Payload payload) throws UnreadableException {
    String keyId = payload.keyId();
    if (keyId == null) {
      return payload.text();
    }
    EncryptionKeys by = keys;
    if (by == null) {
      throw new FallbackException(
          "message " + id + " is encrypted with key '" + keyId + "', and the store has no keys",
          null);
    }
    SecretKey key = key(by, id, keyId);
    try {
      byte[] all = Base64.getDecoder().decode(payload.text());
      if (all.length < NONCE_BYTES) {
        throw new UnreadableException("the payload is too short to be encrypted");
      }
      Cipher cipher = cipher(Cipher.DECRYPT_MODE, key, Arrays.copyOf(all, NONCE_BYTES), id);
      return new String(cipher.doFinal(all, NONCE_BYTES, all.length - NONCE_BYTES), UTF_8);
    } catch (IllegalArgumentException e) {
      throw new UnreadableException("the payload is not Base64");
    } catch (AEADBadTagException e) {
      throw new UnreadableException("the payload was altered, or is not of key '" + keyId + "'");
    } catch (GeneralSecurityException e) {
      throw new FallbackException(
          "message " + id + " could not be decrypted: " + e.getClass().getSimpleName(), null);
    }
  }

  private static SecretKey key(EncryptionKeys keys, String id, String keyId) {
    try {
      return keys.key(keyId)
          .orElseThrow(
              () ->
                  new FallbackException("there is no key '" + keyId + "' for message " + id, null));
    } catch (FallbackException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new KeysDownException(
          "key '" + keyId + "' could not be had: " + e.getClass().getName());
    }
  }

  private static Cipher cipher(int mode, SecretKey key, byte[] nonce, String id)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(id.getBytes(UTF_8));
    return cipher;
  }
}
