package com.huntaze.ratelimiter.delivery;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;

/**
 * Where a result is kept: a relative path of ASCII letters, digits, {@code - _ % ~ . /}. Two ids
 * never have the same name, and none leads out of its directory. Stateless.
 */
final class ResultPath {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("uuuu/MM/dd", Locale.ROOT).withZone(ZoneOffset.UTC);

  private static final String PLAIN =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

  private static final String SUFFIX = ".json";

  /** What file systems take, in bytes. */
  private static final int MAX_NAME = 255;

  private static final HexFormat HEX = HexFormat.of().withUpperCase();

  private ResultPath() {}

  static String of(DeliveryResult result) {
    return DATE.format(result.timestamp())
        + "/"
        + name(result.creatorId(), MAX_NAME)
        + "/"
        + name(result.messageId(), MAX_NAME - SUFFIX.length())
        + SUFFIX;
  }

  /** One that is too long ends in its digest, behind a character that no other name has. */
  private static String name(String id, int max) {
    byte[] bytes = bytes(id);
    StringBuilder name = new StringBuilder();
    for (byte each : bytes) {
      char c = (char) each;
      if (PLAIN.indexOf(c) >= 0) {
        name.append(c);
      } else {
        name.append('%').append(HEX.toHexDigits(each));
      }
    }
    if (name.length() > max) {
      String digest = digest(bytes);
      name.setLength(max - digest.length() - 1);
      name.append('~').append(digest);
    }
    return name.isEmpty() ? "%" : name.toString();
  }

  /** As UTF-8, and halves of surrogate pairs in the same way: they are not to be taken for '?'. */
  private static byte[] bytes(String id) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(id.length());
    id.codePoints()
        .forEach(
            c -> {
              if (c < 0x80) {
                bytes.write(c);
              } else {
                int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
                bytes.write(((0xFF00 >> (more + 1)) & 0xFF) | (c >> (6 * more)));
                for (int i = more - 1; i >= 0; i--) {
                  bytes.write(0x80 | ((c >> (6 * i)) & 0x3F));
                }
              }
            });
    return bytes.toByteArray();
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
