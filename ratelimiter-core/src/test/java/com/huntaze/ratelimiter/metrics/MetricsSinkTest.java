package com.huntaze.ratelimiter.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.huntaze.ratelimiter.queue.Priority;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class MetricsSinkTest {
  /** Those that no event of this module stands for: the adapters and the function tell them. */
  private static final Set<MetricName> OF_OTHERS =
      EnumSet.of(
          MetricName.METRICS_DROPPED,
          MetricName.RATE_LIMIT_ALLOWED,
          MetricName.RATE_LIMIT_REJECTED,
          MetricName.RATE_LIMIT_RETRIED,
          MetricName.RATE_LIMIT_DEAD_LETTERED);

  private static List<Method> events() {
    return Stream.of(MetricsSink.class.getMethods())
        .filter(each -> !Modifier.isStatic(each.getModifiers()))
        .filter(each -> each.getReturnType() == void.class)
        .toList();
  }

  private static void raise(MetricsSink sink, Method event) throws ReflectiveOperationException {
    Object[] arguments =
        Arrays.stream(event.getParameterTypes()).map(MetricsSinkTest::sample).toArray();
    event.invoke(sink, arguments);
  }

  private static Object sample(Class<?> type) {
    return switch (type.getSimpleName()) { // cases of type Object: numbers stay what they are
      case "Priority" -> Priority.HIGH;
      case "Duration" -> Duration.ofMillis(1_500);
      case "MetricName" -> MetricName.MESSAGES_SENT;
      case "boolean" -> true;
      case "int" -> 404;
      case "long" -> 7L;
      case "double" -> 2.5;
      default -> throw new AssertionError("no sample of " + type);
    };
  }

  /** Hears events by their own names. */
  private static MetricsSink listener(List<String> heard) {
    return (MetricsSink)
        Proxy.newProxyInstance(
            MetricsSink.class.getClassLoader(),
            new Class<?>[] {MetricsSink.class},
            (self, method, arguments) -> {
              heard.add(method.getName() + (arguments == null ? "" : Arrays.toString(arguments)));
              return null;
            });
  }

  @Test
  void every_event_reaches_a_guarded_sink_and_both_of_two_as_itself() throws Exception {
    for (Method event : events()) {
      List<String> alone = new ArrayList<>();
      List<String> guarded = new ArrayList<>();
      List<String> first = new ArrayList<>();
      List<String> second = new ArrayList<>();
      raise(listener(alone), event);
      raise(MetricsSink.guarded(listener(guarded)), event);
      MetricsSink both = new BothMetrics(listener(first), listener(second));
      raise(both, event);
      assertThat(alone).singleElement().asString().startsWith(event.getName());
      assertThat(List.of(guarded, first, second)).as(event.getName()).containsOnly(alone);
    }
  }

  @Test
  void the_fault_of_one_sink_keeps_no_event_from_the_next() throws Exception {
    for (Method event : events()) {
      List<String> heard = new ArrayList<>();
      MetricsSink broken =
          (MetricsSink)
              Proxy.newProxyInstance(
                  MetricsSink.class.getClassLoader(),
                  new Class<?>[] {MetricsSink.class},
                  (self, method, arguments) -> {
                    throw new IllegalStateException("broken");
                  });
      MetricsSink both = MetricsSink.guarded(broken);
      assertThatCode(() -> raise(both, event)).as(event.getName()).doesNotThrowAnyException();
      raise(
          new BothMetrics(MetricsSink.guarded(broken), MetricsSink.guarded(listener(heard))),
          event);
      assertThat(heard).hasSize(1);
    }
  }

  private static final class Recorder implements MetricsSink {
    final List<String> values = new ArrayList<>();
    final Set<MetricName> names = EnumSet.noneOf(MetricName.class);

    @Override
    public void record(MetricName name, @Nullable Priority priority, double value) {
      names.add(name);
      values.add(name.wireName() + " " + priority + " " + value);
    }
  }

  @Test
  void every_published_name_is_what_some_event_comes_down_to() throws Exception {
    Recorder recorder = new Recorder();
    for (Method event : events()) {
      if (!event.getName().equals("record")) {
        raise(recorder, event);
      }
    }
    recorder.apiAnswered(429);
    recorder.apiAnswered(503);
    assertThat(recorder.names).isEqualTo(EnumSet.complementOf(EnumSet.copyOf(OF_OTHERS)));
  }

  @Test
  void times_are_in_their_units_and_counts_are_one() {
    Recorder recorder = new Recorder();
    recorder.messageSent(Priority.LOW, Duration.ofNanos(1_500_000), Duration.ofSeconds(2));
    recorder.fallbackDepth(3, Duration.ofMinutes(2));
    recorder.deliveryEnded(false, Duration.ofMillis(40));
    assertThat(recorder.values)
        .containsExactly(
            "MessagesSent LOW 1.0",
            "APILatency LOW 1.5",
            "EndToEndLatency LOW 2000.0",
            "FallbackDepth null 3.0",
            "FallbackOldestAge null 120.0",
            "scraping_success_rate null 0.0",
            "scraping_duration_ms null 40.0");
  }

  @Test
  void an_answer_counts_as_what_it_is_and_a_success_not_at_all() {
    Recorder recorder = new Recorder();
    for (int status : new int[] {200, 302, 429, 404, 503, 0}) {
      recorder.apiAnswered(status);
    }
    assertThat(recorder.values)
        .containsExactly(
            "onlyfans_429_count null 1.0",
            "onlyfans_4xx_count null 1.0",
            "client_error_count null 1.0",
            "onlyfans_5xx_count null 1.0");
  }
}
