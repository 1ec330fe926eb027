package com.huntaze.ratelimiter.queue;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class TraceContextTest {
  private static final String W3C = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0";
  private static final String X_RAY =
      "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=";

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void each_form_is_made_from_the_other(int sampled) {
    for (String given : new String[] {W3C + sampled, X_RAY + sampled}) {
      TraceContext trace = TraceContext.of(given);
      assertThat(trace.traceparent()).contains(W3C + sampled);
      assertThat(trace.awsTraceHeader()).contains(X_RAY + sampled);
    }
  }

  @Test
  void x_rays_form_without_a_parent_stays_as_it_is() {
    TraceContext trace = TraceContext.of("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736");
    assertThat(trace.traceparent()).isEmpty();
    assertThat(trace.awsTraceHeader()).isPresent();
  }

  @Test
  void a_lineage_behind_the_parent_does_no_harm() {
    assertThat(TraceContext.of(X_RAY + "1;Lineage=a87bd80c:1|68fd508a:5").traceparent())
        .contains(W3C + "1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "order-4711",
        "",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nX: y",
        "Root=1-4bf92f35;Parent=x"
      })
  void what_has_neither_form_is_no_trace(String other) {
    assertThat(TraceContext.of(other)).isEqualTo(TraceContext.NONE);
  }
}
