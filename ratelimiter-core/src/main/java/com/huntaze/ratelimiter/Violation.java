package com.huntaze.ratelimiter;

import java.util.Optional;

/**
 * A rule a message breaks. Immutable and thread-safe.
 *
 * @param field the field, as in {@code userId} or {@code mediaUrls[2]}
 * @param rule the rule's name, as in {@code NotBlank} or {@code Size}
 * @param message what is allowed, in words
 * @param value what was given, cut to 100 characters; always empty for content, media URLs and
 *     metadata
 */
public record Violation(String field, String rule, String message, Optional<String> value) {}
