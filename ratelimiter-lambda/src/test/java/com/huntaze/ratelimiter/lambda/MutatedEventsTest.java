package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.delivery.RateLimitGate;
import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.TokenBucket;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import com.huntaze.ratelimiter.queue.MessageSink;
import com.huntaze.ratelimiter.queue.PayloadCodec;
import com.huntaze.ratelimiter.queue.PayloadException;
import com.huntaze.ratelimiter.queue.SinkException;
import com.huntaze.ratelimiter.queue.SinkException.Kind;
import com.huntaze.ratelimiter.queue.SinkResult;
import com.huntaze.ratelimiter.sqs.InHand;
import com.huntaze.ratelimiter.sqs.SqsMessageSource;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

/** Events that are nearly right. Prints its seed; -Devents.seed and -Devents set another run. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MutatedEventsTest {
  private static final int EVENTS = Integer.getInteger("events", 50_000);
  private static final List<String> ODD_VALUES =
      List.of(
          "null",
          "7",
          "-1e999",
          "true",
          "[]",
          "{}",
          "\"\"",
          "\" \"",
          "\"\\ud800\"",
          "\"\\uffff\"",
          "\"\\u0000\"",
          "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
          "{\"body\":\"x\",\"messageId\":\"nested\"}",
          "\"aws:s3\"");

  private final long seed = Long.getLong("events.seed", new Random().nextLong());
  private final Random random = new Random(seed);
  private final RecordingSqs sqs = new RecordingSqs();
  private final Set<String> forwarded = new HashSet<>();
  private final Set<String> twice = new HashSet<>();
  private final Set<SqsMessageSource> used = new HashSet<>();

  /** Whether bucket, sink and queue refuse and fail now and then in this event. */
  private boolean isFaulty;

  private boolean oneIn(int many) {
    return isFaulty && random.nextInt(many) == 0;
  }

  private final MessageSink workflow =
      message -> {
        if (oneIn(40)) {
          throw new IllegalStateException("broken");
        }
        if (oneIn(4)) {
          Kind[] kinds = Kind.values();
          throw new SinkException(kinds[random.nextInt(kinds.length)], "not taken", null);
        }
        if (!forwarded.add(message.messageId())) {
          twice.add(message.messageId());
        }
        return new SinkResult.Taken(Optional.empty());
      };

  private final TokenBucket bucket =
      new GrantingBucket() {
        @Override
        public List<Permit> tryAcquireAll(List<PermitRequest> requests) {
          if (oneIn(20)) {
            throw new TokenBucketException("down", null);
          }
          return requests.stream().map(this::answer).toList();
        }

        private Permit answer(PermitRequest request) {
          Duration later = Duration.ofSeconds(7);
          return oneIn(5)
              ? new Permit.Booked(request.id(), Instant.EPOCH, later)
              : oneIn(5)
                  ? new Permit.Refused(request.id(), later)
                  : super.tryAcquireAll(List.of(request)).get(0);
        }
      };

  /** One handler for all events, as in a function that is warm. */
  private final RateLimiterHandler handler =
      new RateLimiterHandler(
          new EntryQueues(
              sqs,
              "entry",
              (source, fifo) -> {
                RateLimitGate gate = RateLimitGate.builder(bucket, source, workflow).build();
                return (batch, remaining) -> {
                  used.add(source);
                  return gate.process(batch, remaining);
                };
              }),
          OutputStream.nullOutputStream());

  /** A record: its fields in order, each as JSON. */
  private static final class Fields extends LinkedHashMap<String, String> {
    private static final long serialVersionUID = 1L;
    private final String id;

    /** Whether nothing that counts was changed: it has to be forwarded or listed. */
    private boolean isWell = true;

    /** What is written behind its fields: a field again. */
    private String again = "";

    /** What its body may be read as. */
    private final Set<String> bodies = new HashSet<>();

    Fields(String id) {
      this.id = id;
      bodies.add(Deployment.body(id));
    }
  }

  private Fields fields(int number) {
    // No two of them are a byte apart.
    String id = "m-" + number + "-" + Integer.toHexString(number * 0x9E3779B9);
    Fields fields = new Fields(id);
    fields.put("messageId", quoted(id));
    fields.put("receiptHandle", quoted("handle-" + id));
    fields.put("body", quoted(Deployment.body(id)));
    fields.put("attributes", "{\"ApproximateReceiveCount\":\"1\"}");
    fields.put("messageAttributes", "{}");
    fields.put("eventSource", "\"aws:sqs\"");
    fields.put("eventSourceARN", "\"arn:aws:sqs:us-east-1:000000000000:entry\"");
    return fields;
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private static String json(List<Fields> records) {
    List<String> all = new ArrayList<>();
    for (Fields record : records) {
      List<String> fields = new ArrayList<>();
      record.forEach((name, value) -> fields.add("\"" + name + "\":" + value));
      all.add("{" + String.join(",", fields) + record.again + "}");
    }
    return "{\"Records\":[" + String.join(",", all) + "]}";
  }

  /** Changes a field of one record, so that the event stays JSON. */
  private void mutate(Fields record) {
    List<String> names = new ArrayList<>(record.keySet());
    String name = names.get(random.nextInt(names.size()));
    String odd = ODD_VALUES.get(random.nextInt(ODD_VALUES.size()));
    record.isWell = false;
    if (odd.startsWith("\"")) {
      record.bodies.add(
          odd.substring(1, odd.length() - 1)
              .replace("\\ud800", "\ud800")
              .replace("\\uffff", "\uffff")
              .replace("\\u0000", "\0"));
    }
    switch (random.nextInt(5)) {
      case 0 -> record.remove(name);
      case 1 -> record.put(name, odd);
      case 2 -> record.again += ",\"" + name + "\":" + odd;
      case 3 -> {
        String body = mutatedText(Deployment.body(record.id));
        record.bodies.add(body);
        record.put("body", quoted(body));
      }
      default -> record.put("new" + random.nextInt(9), odd);
    }
  }

  private String mutatedText(String text) {
    StringBuilder mutated = new StringBuilder(text);
    for (int i = random.nextInt(3); i >= 0; i--) {
      int at = random.nextInt(mutated.length());
      switch (random.nextInt(3)) {
        case 0 -> mutated.deleteCharAt(at);
        case 1 -> mutated.setCharAt(at, "{}[]:,aZ09é€".charAt(random.nextInt(12)));
        default -> mutated.insert(at, mutated.substring(at, Math.min(mutated.length(), at + 20)));
      }
    }
    return mutated.toString();
  }

  private byte[] mutatedBytes(byte[] event) {
    ByteArrayOutputStream mutated = new ByteArrayOutputStream(event.length);
    int at = random.nextInt(event.length);
    mutated.write(event, 0, at);
    switch (random.nextInt(4)) {
      case 0 -> {} // cut off
      case 1 -> mutated.write(event, at + 1, event.length - at - 1);
      case 2 -> {
        mutated.write(random.nextInt(256));
        mutated.write(event, at + 1, event.length - at - 1);
      }
      default -> {
        mutated.write(random.nextInt(256));
        mutated.write(event, at, event.length - at);
      }
    }
    return mutated.toByteArray();
  }

  private List<String> handle(byte[] event) throws Exception {
    sqs.forget();
    forwarded.clear();
    used.clear();
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    handler.handleRequest(new ByteArrayInputStream(event), answer, new FakeContext());
    assertThat(twice).as("forwarded twice").isEmpty();
    assertThat(used).as("bodies kept").allMatch(source -> InHand.of(source) == 0);
    return Events.failures(answer.toByteArray());
  }

  /** Whether one of the other queues has what a record may be read as. */
  private boolean isElsewhere(Fields record) {
    return record.bodies.stream()
        .anyMatch(body -> sqs.deadLetters.contains(body) || isForwarded(body));
  }

  private boolean isForwarded(String body) {
    try {
      return forwarded.contains(PayloadCodec.decodeEither(body).messageId());
    } catch (PayloadException e) {
      return false;
    }
  }

  /** Whether SQS keeps a record after the answer: neither Lambda nor the handler deleted it. */
  private boolean isKept(Fields record, Set<String> ids, List<String> failures) {
    return ids.containsAll(failures) // an id that no record has fails them all
        ? failures.contains(record.id)
        : !sqs.deleted.contains("handle-" + record.id);
  }

  @Test
  void an_odd_record_harms_no_neighbour_and_nothing_is_lost() throws Exception {
    System.out.println("events.seed=" + seed);
    int next = 0;
    int odd = 0;
    int faulty = 0;
    sqs.isDown = () -> oneIn(6);
    for (int event = 0; event < EVENTS; event++) {
      isFaulty = random.nextBoolean();
      List<Fields> records = new ArrayList<>();
      for (int i = random.nextInt(3); i >= 0; i--) {
        records.add(fields(next++));
      }
      for (int i = random.nextInt(2); i >= 0; i--) {
        mutate(records.get(random.nextInt(records.size())));
      }
      String json = json(records);

      List<String> failures = handle(json.getBytes(UTF_8));

      int gone = 0;

      Set<String> ids = new HashSet<>();
      records.forEach(record -> ids.add(record.id));
      Set<String> known = new HashSet<>(Set.of("", " ", "\ud800", "\u0000", "aws:s3"));
      known.addAll(ids);
      check(known.containsAll(failures), "an id the event has not", json, failures);
      for (Fields record : records) {
        boolean isKept = isKept(record, ids, failures);
        check(isKept || isElsewhere(record), "lost: " + record.id, json, failures);
        if (record.isWell && isFaulty) {
          faulty += isKept ? 1 : 0;
        } else if (record.isWell) {
          check(forwarded.contains(record.id), "not forwarded: " + record.id, json, failures);
          boolean mayCome = !ids.containsAll(failures) && !failures.contains("");
          check(!isKept || mayCome, "comes again: " + record.id, json, failures);
        } else {
          odd++;
        }
        if (!isKept) {
          gone++;
        }
      }
      check(forwarded.size() + sqs.deadLetters.size() >= gone, "lost", json, failures);
    }
    assertThat(odd).as("events that tell something").isGreaterThan(EVENTS / 10);
    assertThat(faulty).as("records that a fault keeps").isGreaterThan(EVENTS / 20);
  }

  private static void check(boolean holds, String what, String event, List<String> failures) {
    if (!holds) {
      throw new AssertionError(what + "; answered " + failures + " to " + event);
    }
  }

  @Test
  void whatever_byte_is_wrong_the_answer_is_one_and_nothing_is_lost() throws Exception {
    System.out.println("events.seed=" + seed);
    int next = 0;
    sqs.isDown = () -> oneIn(6);
    for (int event = 0; event < EVENTS; event++) {
      isFaulty = random.nextBoolean();
      Map<String, Fields> records = new LinkedHashMap<>();
      for (int i = random.nextInt(3); i >= 0; i--) {
        Fields record = fields(next++);
        records.put(record.id, record);
      }
      byte[] bytes = json(List.copyOf(records.values())).getBytes(UTF_8);
      byte[] mutated = mutatedBytes(bytes);

      List<String> failures = handle(mutated);

      int gone = 0;
      String text = new String(mutated, UTF_8);
      for (Fields record : records.values()) {
        boolean isKept = isKept(record, records.keySet(), failures);
        gone += isKept ? 0 : 1;
        boolean isWhole = text.contains(json(List.of(record)).replaceAll("^.*?\\[|\\]\\}$", ""));
        check(isKept || !isWhole || isElsewhere(record), "lost: " + record.id, text, failures);
      }
      // What Lambda deletes, or we did, is in one of the other queues.
      check(forwarded.size() + sqs.deadLetters.size() >= gone, "lost", text, failures);
    }
  }
}
