package com.huntaze.ratelimiter.limit;

/** What an id may look like, beside its length. */
final class Ids {
  private Ids() {}

  /**
   * Whether every surrogate has its other half. Without it two ids would be one on the way to a
   * server, which takes UTF-8.
   */
  static boolean isText(String id) {
    for (int i = 0; i < id.length(); i++) {
      char each = id.charAt(i);
      if (Character.isHighSurrogate(each)
          && i + 1 < id.length()
          && Character.isLowSurrogate(id.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(each)) {
        return false;
      }
    }
    return true;
  }
}
