package com.huntaze.ratelimiter;

/**
 * How large a message may be. Immutable and thread-safe.
 *
 * @param contentLength characters of content, default 10,000
 * @param mediaUrls media URLs, default 10
 * @param mediaUrlLength characters of one media URL, default 2,048
 * @param metadataKeys keys of metadata on its top level, default 50
 * @param metadataBytes bytes of metadata as JSON in UTF-8, default 16,384
 * @param metadataDepth levels of metadata, default 5
 */
public record MessageLimits(
    int contentLength,
    int mediaUrls,
    int mediaUrlLength,
    int metadataKeys,
    int metadataBytes,
    int metadataDepth) {
  /** The defaults. */
  public static final MessageLimits DEFAULT = new MessageLimits(10_000, 10, 2_048, 50, 16_384, 5);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException if one is below its least; the message names it
   */
  public MessageLimits {
    atLeast("contentLength", contentLength, 1);
    atLeast("mediaUrls", mediaUrls, 0);
    atLeast("mediaUrlLength", mediaUrlLength, 1);
    atLeast("metadataKeys", metadataKeys, 0);
    atLeast("metadataBytes", metadataBytes, 2);
    atLeast("metadataDepth", metadataDepth, 1);
  }

  private static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(name + " must be " + least + " or more, was " + value);
    }
  }
}
