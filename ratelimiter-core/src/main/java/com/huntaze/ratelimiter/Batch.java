package com.huntaze.ratelimiter;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.queue.OutboundMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The messages of one call and what became of each. A message that is in it twice is delivered once
 * and answered twice; two messages under one id are not: the second is refused, since it would be
 * taken for the first. Confined to one thread.
 */
final class Batch {
  private final @Nullable SendResult[] results;
  private final List<OutboundMessage> accepted;
  private final int[] places;
  private final int[] copyOf;
  private int answered;

  Batch(List<Intake.Reading> readings) {
    this.results = new SendResult[readings.size()];
    this.accepted = new ArrayList<>(readings.size());
    this.places = new int[readings.size()];
    this.copyOf = new int[readings.size()];
    Map<String, Integer> firsts = new HashMap<>();
    for (int i = 0; i < readings.size(); i++) {
      copyOf[i] = i;
      OutboundMessage message = readings.get(i).accepted();
      if (message == null) {
        results[i] = readings.get(i).refusal();
        continue;
      }
      Integer first = firsts.putIfAbsent(message.messageId(), i);
      if (first == null) {
        places[accepted.size()] = i;
        accepted.add(message);
      } else if (message.isSameAs(requireNonNull(readings.get(first).accepted()))) {
        copyOf[i] = first;
      } else {
        results[i] = idTaken(message.messageId());
      }
    }
  }

  /** The outcomes of what is not to be delivered. */
  List<SendResult> refusals() {
    List<SendResult> refusals = new ArrayList<>();
    for (SendResult result : results) {
      if (result != null) {
        refusals.add(result);
      }
    }
    return refusals;
  }

  private static SendResult idTaken(String id) {
    return new SendResult.Invalid(
        id,
        List.of(
            new Violation(
                "messageId",
                "Unique",
                "must not be that of another message in the batch",
                Optional.of(id))));
  }

  /** What is to be delivered, in order. */
  List<List<OutboundMessage>> inTens() {
    List<List<OutboundMessage>> tens = new ArrayList<>();
    for (int i = 0; i < accepted.size(); i += Batcher.MAX_BATCH) {
      tens.add(accepted.subList(i, Math.min(accepted.size(), i + Batcher.MAX_BATCH)));
    }
    return tens;
  }

  /** What became of the next ones to be delivered. */
  void outcomes(List<SendResult> outcomes) {
    for (SendResult outcome : outcomes) {
      results[places[answered++]] = outcome;
    }
  }

  /** Item i says what became of message i. */
  List<SendResult> results() {
    List<SendResult> all = new ArrayList<>(results.length);
    for (int i = 0; i < results.length; i++) {
      all.add(requireNonNull(results[copyOf[i]]));
    }
    return all;
  }
}
