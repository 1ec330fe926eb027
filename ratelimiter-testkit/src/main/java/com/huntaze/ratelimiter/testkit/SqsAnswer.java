package com.huntaze.ratelimiter.testkit;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What is answered to a call of SQS.
 *
 * @param status the HTTP status, 0 for no answer
 * @param headers the headers that are not the connection's own
 * @param body the body, which is JSON in UTF-8 unless it is garbage
 */
record SqsAnswer(int status, Map<String, List<String>> headers, String body) {
  private static final SqsAnswer NONE = new SqsAnswer(0, Map.of(), "");
  private static final Pattern DIGEST = Pattern.compile("(\"MD5OfMessageBody\"\\s*:\\s*\")\\w+");
  private static final Pattern ENTRY_ID = Pattern.compile("\"Id\"\\s*:\\s*(\"[^\"]*\")");

  /** Asks SQS itself. */
  interface Queue {
    SqsAnswer answer(String request) throws IOException, InterruptedException;
  }

  /** Asks the queue, or does not, and answers as the fault says. */
  static SqsAnswer failing(SqsFault fault, String request, Queue queue)
      throws IOException, InterruptedException {
    return switch (fault) {
      case SERVICE_UNAVAILABLE -> error(503, "ServiceUnavailable", "ServiceUnavailable");
      case INTERNAL_ERROR -> error(500, "InternalFailure", "InternalFailure");
      case THROTTLED -> error(400, "ThrottlingException", "ThrottlingException");
      case ACCESS_DENIED -> error(403, "AccessDeniedException", "AccessDeniedException");
      case NO_SUCH_QUEUE ->
          error(400, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue");
      case RESET_BEFORE, HANG -> NONE;
      case RESET_AFTER_WRITE, HANG_AFTER_WRITE -> {
        queue.answer(request);
        yield NONE;
      }
      case GARBAGE -> queue.answer(request).with("<html>Welcome!</html>");
      case MD5_MISMATCH -> {
        SqsAnswer answer = queue.answer(request);
        yield answer.with(DIGEST.matcher(answer.body()).replaceAll("$1" + "0".repeat(32)));
      }
      case OMITTED_ENTRY -> withoutFirst(queue.answer(request));
      case PARTIAL_SENDER_FAULT -> partial(true, request, queue);
      case PARTIAL_SERVICE_FAULT -> partial(false, request, queue);
    };
  }

  private static SqsAnswer withoutFirst(SqsAnswer answer) {
    JsonArray taken = JsonArray.in(answer.body(), "Successful");
    int size = taken.elements().size();
    return size == 0
        ? answer.with(answer.body().replace("\"MessageId\"", "\"Omitted\""))
        : answer.with(taken.with(taken.elements().subList(1, size)));
  }

  private static SqsAnswer partial(boolean sender, String request, Queue queue)
      throws IOException, InterruptedException {
    JsonArray entries = JsonArray.in(request, "Entries");
    if (entries.elements().isEmpty()) {
      return sender
          ? error(400, "InvalidMessageContents", "InvalidMessageContents")
          : error(500, "InternalFailure", "InternalFailure");
    }
    List<String> kept = entries(entries, false);
    List<String> failed = new ArrayList<>();
    for (String entry : entries(entries, true)) {
      failed.add(
          "{\"Id\":%s,\"Code\":\"%s\",\"SenderFault\":%s,\"Message\":\"on request\"}"
              .formatted(id(entry), sender ? "InvalidMessageContents" : "InternalError", sender));
    }
    SqsAnswer answer =
        kept.isEmpty() ? new SqsAnswer(200, Map.of(), "") : queue.answer(entries.with(kept));
    if (answer.status != 200) {
      return answer;
    }
    failed.addAll(JsonArray.in(answer.body(), "Failed").elements());
    return answer.with(
        "{\"Successful\":[%s],\"Failed\":[%s]}"
            .formatted(
                String.join(",", JsonArray.in(answer.body(), "Successful").elements()),
                String.join(",", failed)));
  }

  /** Every third entry, or the others. */
  private static List<String> entries(JsonArray all, boolean third) {
    return IntStream.range(0, all.elements().size())
        .filter(i -> (i % 3 == 0) == third)
        .mapToObj(all.elements()::get)
        .toList();
  }

  private static String id(String entry) {
    Matcher id = ENTRY_ID.matcher(entry);
    return id.find() ? id.group(1) : "\"\"";
  }

  private static SqsAnswer error(int status, String type, String queryCode) {
    return new SqsAnswer(
        status,
        Map.of("x-amzn-query-error", List.of(queryCode + ";Sender")),
        "{\"__type\":\"com.amazonaws.sqs#%s\",\"message\":\"on request\"}".formatted(type));
  }

  private SqsAnswer with(String newBody) {
    return new SqsAnswer(status, headers, newBody);
  }
}
