package com.huntaze.ratelimiter.sqs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/** What SQS takes: sizes as it counts them, characters and ids. */
final class SqsRules {
  /** The most bytes a message or a batch may have on any queue. */
  static final int MAX_BYTES = 1_048_576;

  /** The most entries a batch may have. */
  static final int MAX_ENTRIES = 10;

  /** The type of message attributes that are text; it counts towards the size. */
  static final String STRING = "String";

  /**
   * What a sink may be given of the ten attributes: four at most are its own, three are tracing's.
   */
  static final int FREE_ATTRIBUTES = 3;

  private static final int MAX_ID = 128;

  /** A byte that UTF-8 never has. */
  private static final byte[] NO_TEXT = {(byte) 0xFF};

  private static final Pattern ATTRIBUTE_NAME =
      Pattern.compile("(?!\\.)(?!.*\\.\\.)[A-Za-z0-9_.-]{1,256}(?<!\\.)");
  private static final Pattern RESERVED_NAME = Pattern.compile("(?i)(aws|amazon)\\..*");
  private static final Set<String> OURS =
      Set.of(
          "userId",
          "messageType",
          "timestamp",
          "priority",
          "rate_limit_timestamp",
          "tokens_remaining",
          "rate_limiter_version",
          "traceparent",
          "tracestate",
          "baggage");

  private SqsRules() {}

  /**
   * Checks an attribute that a sink is given.
   *
   * @throws IllegalArgumentException if SQS would refuse it, or if its name is taken
   */
  static void checkAttribute(String name, String value) {
    requireNonNull(name, "name");
    requireNonNull(value, "value");
    if (!ATTRIBUTE_NAME.matcher(name).matches() || RESERVED_NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "an attribute's name must be 1 to 256 letters, digits, _, - and single dots within it, and"
              + " must not begin with AWS. or Amazon.; was "
              + name);
    }
    if (OURS.contains(name)) {
      throw new IllegalArgumentException("attribute " + name + " is the sink's or tracing's own");
    }
    if (value.isEmpty()) {
      throw new IllegalArgumentException("attribute " + name + " must not be empty");
    }
    illegalCharacter(value)
        .ifPresent(
            c -> {
              throw new IllegalArgumentException(
                  "attribute %s has U+%04X, which SQS does not take".formatted(name, c));
            });
  }

  /**
   * The bytes of a body and of its attributes, which are Strings and Numbers, as SQS counts a
   * message.
   */
  static long bytes(String body, Map<String, MessageAttributeValue> attributes) {
    long bytes = bytes(body);
    for (Map.Entry<String, MessageAttributeValue> attribute : attributes.entrySet()) {
      MessageAttributeValue value = attribute.getValue();
      bytes += bytes(attribute.getKey()) + bytes(value.dataType()) + bytes(value.stringValue());
    }
    return bytes;
  }

  /** The bytes of a text in UTF-8. */
  static long bytes(String text) {
    long bytes = text.length();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        // A pair of surrogates is four bytes, two for each half.
        bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
      }
    }
    return bytes;
  }

  /** The first character that SQS refuses in a body or an attribute's value, if there is one. */
  static OptionalInt illegalCharacter(String text) {
    for (int i = 0; i < text.length(); i++) {
      int c = text.charAt(i);
      if (c < 0x20) {
        if (c != '\t' && c != '\n' && c != '\r') {
          return OptionalInt.of(c);
        }
      } else if (c >= Character.MIN_SURROGATE) {
        if (c > 0xFFFD || (Character.isSurrogate((char) c) && !isPair(text, i))) {
          return OptionalInt.of(c);
        }
        if (Character.isSurrogate((char) c)) {
          i++;
        }
      }
    }
    return OptionalInt.empty();
  }

  private static boolean isPair(String text, int i) {
    return i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
  }

  /** The id itself if SQS takes it as a group or deduplication id, else its SHA-256 in hex. */
  static String legalId(String id) {
    return isLegalId(id) ? id : sha256(id.getBytes(UTF_8));
  }

  private static boolean isLegalId(String id) {
    return !id.isEmpty() && id.length() <= MAX_ID && id.chars().allMatch(c -> c > ' ' && c < 0x7F);
  }

  /**
   * What a FIFO queue knows a message by: the legal form of its id, and for a revived one the
   * SHA-256 in hex of id and number, parted by a byte that is in no text's UTF-8. So no revival has
   * the id of another, nor that of a message which was never revived.
   */
  static String deduplicationId(String messageId, int revival) {
    return revival == 0
        ? legalId(messageId)
        : sha256(messageId.getBytes(UTF_8), NO_TEXT, Integer.toString(revival).getBytes(UTF_8));
  }

  private static String sha256(byte[]... parts) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      for (byte[] part : parts) {
        sha256.update(part);
      }
      return HexFormat.of().formatHex(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
