package com.huntaze.ratelimiter;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.Validation;
import jakarta.validation.Validator;
import jakarta.validation.ValidatorFactory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.hibernate.validator.HibernateValidator;
import org.hibernate.validator.HibernateValidatorConfiguration;
import org.hibernate.validator.cfg.ConstraintMapping;
import org.hibernate.validator.cfg.defs.NotBlankDef;
import org.hibernate.validator.cfg.defs.NotNullDef;
import org.hibernate.validator.cfg.defs.PatternDef;
import org.hibernate.validator.cfg.defs.SizeDef;
import org.hibernate.validator.messageinterpolation.ParameterMessageInterpolator;
import org.jspecify.annotations.Nullable;

/**
 * The rules of messages and actions, in one place: Jakarta Validation for the fields, and the
 * metadata's own. Thread-safe; owns its validator factory.
 */
final class MessageValidator implements AutoCloseable {
  private static final int MAX_ID = 128;
  private static final Set<String> SHOWN =
      Set.of("messageId", "userId", "creatorId", "recipientId", "workflowId", "traceId");

  private final MessageLimits limits;
  private final MetadataRules metadataRules;
  private final ValidatorFactory factory;
  private final Validator validator;

  MessageValidator(MessageLimits limits) {
    this.limits = limits;
    this.metadataRules = new MetadataRules(limits);
    HibernateValidatorConfiguration configuration =
        Validation.byProvider(HibernateValidator.class)
            .configure()
            .ignoreXmlConfiguration()
            .defaultLocale(Locale.ENGLISH)
            .messageInterpolator(
                new ParameterMessageInterpolator(Set.of(Locale.ENGLISH), Locale.ENGLISH, false));
    configuration.addMapping(rules(configuration.createConstraintMapping(), limits));
    this.factory = configuration.buildValidatorFactory();
    this.validator = factory.getValidator();
  }

  private static ConstraintMapping rules(ConstraintMapping mapping, MessageLimits limits) {
    // What SQS takes as a deduplication id: ASCII letters, digits and punctuation.
    PatternDef plainId =
        new PatternDef()
            .regexp("[\\x21-\\x7E]*")
            .message("must be ASCII letters, digits and punctuation");
    var message = mapping.type(OnlyFansMessage.class);
    message.field("recipientId").constraint(text()).constraint(new NotBlankDef()).constraint(id());
    message
        .field("content")
        .constraint(new NotBlankDef())
        .constraint(new SizeDef().max(limits.contentLength()))
        .constraint(text());
    message
        .field("mediaUrls")
        .constraint(new SizeDef().max(limits.mediaUrls()))
        .containerElementType(0)
        .constraint(new NotNullDef())
        .constraint(new SizeDef().max(limits.mediaUrlLength()))
        .constraint(url());
    var action = mapping.type(OnlyFansAction.class);
    action.field("recipientId").constraint(text()).constraint(id()).constraint(notBlankIfGiven());
    for (String field : List.of("profileUrl", "mediaUrl")) {
      action.field(field).constraint(new SizeDef().max(limits.mediaUrlLength())).constraint(url());
    }
    for (var type : List.of(message, action)) {
      type.field("messageId").constraint(id()).constraint(plainId);
      type.field("userId").constraint(text()).constraint(new NotBlankDef()).constraint(id());
      for (String field : List.of("creatorId", "workflowId", "traceId")) {
        type.field(field).constraint(text()).constraint(id()).constraint(notBlankIfGiven());
      }
    }
    return mapping;
  }

  private static PatternDef url() {
    return new PatternDef()
        .regexp("(?i)https?://[^\\s/?#]+[\\x21-\\x7E]*")
        .message("must be an http or https URL");
  }

  private static SizeDef id() {
    return new SizeDef().min(1).max(MAX_ID);
  }

  /** No NUL, no half of a surrogate pair, no noncharacter: no queue or table takes them. */
  private static PatternDef text() {
    return new PatternDef()
        .regexp("(?s)[^\\x{0}\\x{D800}-\\x{DFFF}\\x{FFFE}\\x{FFFF}]*")
        .message("must not contain NUL, unpaired surrogates or noncharacters");
  }

  private static PatternDef notBlankIfGiven() {
    return new PatternDef().regexp("(?s).*\\S.*|").message("must not be blank");
  }

  /** All rules the message breaks; its metadata is checked by the same call. */
  List<Violation> validate(OnlyFansMessage message) {
    return isPlain(message) ? List.of() : validateInFull(message);
  }

  /**
   * Whether a message is of the plainest kind, which breaks no rule: most are, and need not be
   * taken through the rules one by one. Says no whenever it would have to know a rule closely.
   */
  boolean isPlain(OnlyFansMessage message) {
    return isPlainId(message.userId())
        && isPlainId(message.recipientId())
        && (message.messageId() == null || isPlainId(message.messageId()))
        && (message.creatorId() == null || isPlainId(message.creatorId()))
        && (message.workflowId() == null || isPlainId(message.workflowId()))
        && (message.traceId() == null || isPlainId(message.traceId()))
        && message.mediaUrls().isEmpty()
        && message.metadata().isEmpty()
        && isPlainContent(message.content());
  }

  private static boolean isPlainId(@Nullable String id) {
    if (id == null || id.isEmpty() || id.length() > MAX_ID) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      if (!isPlainCharacter(id.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private boolean isPlainContent(@Nullable String content) {
    if (content == null || content.length() > limits.contentLength()) {
      return false;
    }
    boolean blank = true;
    for (int i = 0; i < content.length(); i++) {
      char c = content.charAt(i);
      if (c == 0 || c >= Character.MIN_SURROGATE) {
        return false;
      }
      blank &= !isPlainCharacter(c);
    }
    return !blank;
  }

  private static boolean isPlainCharacter(char c) {
    return c > ' ' && c < 0x7F;
  }

  List<Violation> validateInFull(OnlyFansMessage message) {
    return sorted(violations(message, message.metadata()));
  }

  /** All rules the action breaks; its metadata is checked by the same call. */
  List<Violation> validate(OnlyFansAction action) {
    List<Violation> violations = violations(action, action.metadata());
    switch (action.action()) {
      case OutboundMessage.SCRAPE_PROFILE -> require("profileUrl", action.profileUrl(), violations);
      case OutboundMessage.DOWNLOAD_MEDIA -> require("mediaUrl", action.mediaUrl(), violations);
      default -> {}
    }
    return sorted(violations);
  }

  private static void require(String field, @Nullable String value, List<Violation> violations) {
    if (value == null) {
      violations.add(new Violation(field, "NotBlank", "must not be blank", Optional.empty()));
    }
  }

  private List<Violation> violations(
      Object bean, Map<String, ? extends @Nullable Object> metadata) {
    List<Violation> violations = new ArrayList<>();
    for (ConstraintViolation<Object> each : validator.validate(bean)) {
      String path = each.getPropertyPath().toString().replace(".<list element>", "");
      String field = path.replaceFirst("<list element>", "");
      violations.add(
          new Violation(
              field,
              each.getConstraintDescriptor().getAnnotation().annotationType().getSimpleName(),
              each.getMessage(),
              shown(field, each.getInvalidValue())));
    }
    metadataRules.check(metadata, violations);
    return violations;
  }

  private static List<Violation> sorted(List<Violation> violations) {
    violations.sort(Comparator.comparing(Violation::field));
    return violations;
  }

  private static Optional<String> shown(String field, @Nullable Object value) {
    if (value == null || !SHOWN.contains(field)) {
      return Optional.empty();
    }
    String text = value.toString();
    return Optional.of(text.length() <= 100 ? text : text.substring(0, 100) + "…");
  }

  @Override
  public void close() {
    factory.close();
  }
}
