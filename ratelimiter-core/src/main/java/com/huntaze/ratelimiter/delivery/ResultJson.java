package com.huntaze.ratelimiter.delivery;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Optional;

/** Writes one result as JSON of a bounded size. Confined to one thread. */
final class ResultJson {
  /** Of the whole, in UTF-8. */
  static final int MAX_BYTES = 256 * 1024;

  /** Ids and errors are short; what is not is cut, so that the whole is bounded. */
  private static final int MAX_FIELD_BYTES = 4_096;

  /** Readers refuse what is nested too deeply; such a body is kept as text. */
  private static final int MAX_DEPTH = 100;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
          .build();

  private final DeliveryResult result;
  private boolean isCut;

  private ResultJson(DeliveryResult result) {
    this.result = result;
  }

  static String of(DeliveryResult result) {
    try {
      return new ResultJson(result).write();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // no memory ever failed to be written to
    }
  }

  private String write() throws IOException {
    Optional<String> body = result.response().flatMap(GatewayResponse::data);
    if (body.isEmpty()) {
      return write("null");
    }
    String text = body.get();
    if (text.length() <= MAX_BYTES) {
      String whole = write(asJson(text).orElse(quoted(text)));
      if (bytes(whole) <= MAX_BYTES) {
        return whole;
      }
    }
    isCut = true;
    int room = MAX_BYTES - bytes(write("\"\""));
    return write(quoted(cut(text, room)));
  }

  /** The whole, around what is JSON already. */
  private String write(String data) throws IOException {
    StringWriter out = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("message_id", field(result.messageId()));
      json.writeStringField("creator_id", field(result.creatorId()));
      json.writeStringField("action", field(result.action()));
      json.writeStringField("status", lowerCase(result.status()));
      json.writeStringField("timestamp", result.timestamp().toString());
      json.writeNumberField("duration_ms", result.duration().toMillis());
      if (result.response().isPresent()) {
        json.writeObjectFieldStart("response");
        json.writeNumberField("status_code", result.response().get().statusCode());
        json.writeFieldName("data");
        json.writeRawValue(data);
        json.writeEndObject();
      }
      if (result.error().isPresent()) {
        DeliveryResult.Failure error = result.error().get();
        json.writeObjectFieldStart("error");
        json.writeStringField("type", lowerCase(error.type()));
        json.writeStringField("message", field(error.message()));
        json.writeEndObject();
      }
      json.writeObjectFieldStart("metrics");
      json.writeNumberField("queue_wait_time_ms", result.queueWait().toMillis());
      json.writeNumberField("scraping_time_ms", result.duration().toMillis());
      json.writeNumberField("total_time_ms", result.total().toMillis());
      json.writeEndObject();
      if (isCut) {
        json.writeBooleanField("truncated", true);
      }
      json.writeEndObject();
    }
    return out.toString();
  }

  private String field(String text) {
    String kept = cut(text, MAX_FIELD_BYTES);
    isCut |= kept.length() < text.length();
    return kept;
  }

  private static String lowerCase(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static String quoted(String text) throws IOException {
    StringWriter out = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeString(text);
    }
    return out.toString();
  }

  /**
   * The same value without blanks, numbers to the last digit; empty if it is not one JSON value.
   */
  private static Optional<String> asJson(String text) {
    StringWriter out = new StringWriter();
    try (JsonParser parser = JSON.createParser(text);
        JsonGenerator json = JSON.createGenerator(out)) {
      if (parser.nextToken() == null) {
        return Optional.empty();
      }
      do {
        if (parser.currentToken().isNumeric()) {
          json.writeNumber(parser.getText());
        } else {
          json.copyCurrentEvent(parser);
        }
      } while (!json.getOutputContext().inRoot() && parser.nextToken() != null);
      if (parser.nextToken() != null) {
        return Optional.empty();
      }
    } catch (IOException e) {
      return Optional.empty();
    }
    return Optional.of(out.toString());
  }

  /** The beginning of a text that takes no more than so many bytes within a JSON string. */
  private static String cut(String text, int maxBytes) {
    int bytes = 0;
    int end = 0;
    while (end < text.length()) {
      int c = text.codePointAt(end);
      bytes += "\"\\\b\t\n\f\r".indexOf(c) >= 0 ? 2 : c < ' ' ? 6 : bytes(c);
      if (bytes > maxBytes) {
        return text.substring(0, end);
      }
      end += Character.charCount(c);
    }
    return text;
  }

  private static int bytes(String text) {
    return text.codePoints().map(ResultJson::bytes).sum();
  }

  private static int bytes(int c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  }
}
