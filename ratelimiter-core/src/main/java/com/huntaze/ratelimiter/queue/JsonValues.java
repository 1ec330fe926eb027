package com.huntaze.ratelimiter.queue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON as strings, numbers, booleans, nulls, lists and maps, read and written token by token: data
 * binding would cost a cold start dearly for what is a loop. Thread-safe.
 *
 * <p>A number has one type, by its value alone: the first of {@link Integer}, {@link Long} and
 * {@link BigInteger} that holds it if it is written as a whole number, else {@link Double} if that
 * says the same, else {@link BigDecimal} without trailing zeros, or as a whole number if that
 * leaves neither fraction nor exponent. So what was written and read back equals what was there
 * before.
 */
final class JsonValues {
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(32).build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build();

  private JsonValues() {}

  /**
   * Reads a text that is one value and nothing else.
   *
   * @throws IOException if it is not JSON, or breaks a bound; it quotes what it read
   * @throws NumberFormatException if a number's exponent is beyond all bounds
   */
  static @Nullable Object parse(String text) throws IOException {
    try (JsonParser json = FACTORY.createParser(text)) {
      JsonToken first = json.nextToken();
      if (first == null) {
        throw new IOException("no value");
      }
      Object value = read(json, first);
      if (json.nextToken() != null) {
        throw new IOException("more than a value");
      }
      return value;
    }
  }

  /** No deeper than the parser's own bound. */
  private static @Nullable Object read(JsonParser json, JsonToken token) throws IOException {
    return switch (token) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
          map.put(name, read(json, json.nextToken()));
        }
        yield map;
      }
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        for (JsonToken each = json.nextToken();
            each != JsonToken.END_ARRAY;
            each = json.nextToken()) {
          list.add(read(json, each));
        }
        yield list;
      }
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT -> whole(json.getNumberValue());
      case VALUE_NUMBER_FLOAT -> decimal(json.getText());
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw new IOException("no value");
    };
  }

  /** A copy that nobody else holds, with each number in its one type. */
  static Map<String, Object> copy(Map<String, ? extends Object> map) {
    if (map.isEmpty()) {
      return Map.of();
    }
    Map<String, Object> copy = new LinkedHashMap<>();
    map.forEach((key, value) -> copy.put(key, copyOf(value)));
    return Collections.unmodifiableMap(copy);
  }

  @SuppressWarnings("NullAway") // a null within stays null
  private static Object copyOf(@Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<Object, @Nullable Object> copy = new LinkedHashMap<>();
      map.forEach((key, each) -> copy.put(key, copyOf(each)));
      return Collections.unmodifiableMap(copy);
    }
    if (value instanceof Collection<?> list) {
      List<@Nullable Object> copy = new ArrayList<>(list.size());
      list.forEach(each -> copy.add(copyOf(each)));
      return Collections.unmodifiableList(copy);
    }
    return value instanceof Number number ? one(number) : value;
  }

  private static Number one(Number number) {
    if (number instanceof Long
        || number instanceof Short
        || number instanceof Byte
        || number instanceof BigInteger) {
      return whole(number);
    }
    if (number instanceof Float || number instanceof BigDecimal) {
      String text = number.toString();
      boolean finite = number instanceof BigDecimal || Float.isFinite(number.floatValue());
      return !finite ? number : isWhole(text) ? whole(new BigInteger(text)) : decimal(text);
    }
    return number;
  }

  private static boolean isWhole(String text) {
    return text.chars().allMatch(c -> c == '-' || (c >= '0' && c <= '9'));
  }

  private static Number whole(Number number) {
    if (number instanceof BigInteger large) {
      if (large.bitLength() > 63) {
        return large;
      }
    }
    long value = number.longValue();
    if (value == (int) value) {
      return (int) value;
    }
    return value;
  }

  private static Number decimal(String text) {
    double approximate = Double.parseDouble(text);
    BigDecimal exact = new BigDecimal(text);
    if (Double.isFinite(approximate)
        && new BigDecimal(Double.toString(approximate)).compareTo(exact) == 0) {
      return approximate;
    }
    BigDecimal shortest = exact.stripTrailingZeros();
    return shortest.scale() == 0 ? whole(shortest.unscaledValue()) : shortest;
  }

  /**
   * Writes a value.
   *
   * @throws IOException if there is something in it that JSON does not know
   */
  static void write(JsonGenerator json, @Nullable Object value) throws IOException {
    if (value instanceof String text) {
      json.writeString(text);
    } else if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> each : map.entrySet()) {
        json.writeFieldName((String) each.getKey());
        write(json, each.getValue());
      }
      json.writeEndObject();
    } else if (value instanceof Collection<?> list) {
      json.writeStartArray();
      for (Object each : list) {
        write(json, each);
      }
      json.writeEndArray();
    } else {
      json.writePOJO(value); // null, a number or a boolean; there is no codec for anything else
    }
  }
}
