package com.huntaze.ratelimiter.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FaultsTest {
  private final Shelf real = new Shelf();
  private final Faults<Store> faults = Faults.of(Store.class, real);
  private final Store part = faults.part();

  @Test
  void calls_reach_the_real_part_while_nothing_is_planned() throws Exception {
    part.put("a");
    part.putTwice("b");

    assertThat(part.all()).containsExactly("a", "b", "b");
    assertThat(faults.calls()).isEqualTo(3);
    assertThat(faults.calls("put")).isEqualTo(1);
  }

  @Test
  void the_next_calls_fail_and_those_after_them_pass() throws Exception {
    faults.failNext(2, () -> new IllegalStateException("down"));

    assertThatThrownBy(() -> part.put("a")).hasMessage("down");
    assertThatThrownBy(part::all).isInstanceOf(IllegalStateException.class);
    part.put("b");

    assertThat(real.kept).containsExactly("b");
    assertThat(faults.calls()).isEqualTo(3);
  }

  @Test
  void every_call_fails_until_it_is_healed() throws Exception {
    faults.failAll(() -> new IllegalStateException("down"));
    assertThatThrownBy(() -> part.put("a")).hasMessage("down");
    assertThatThrownBy(() -> part.put("a")).hasMessage("down");

    faults.heal();
    part.put("b");

    assertThat(real.kept).containsExactly("b");
  }

  @Test
  void a_call_that_fails_afterwards_has_done_its_work() {
    faults.failAfterDelegating(1, () -> new IllegalStateException("answer lost"));

    assertThatThrownBy(() -> part.put("a")).hasMessage("answer lost");

    assertThat(real.kept).containsExactly("a");
  }

  @Test
  void failures_meet_only_the_methods_they_are_meant_for() throws Exception {
    faults.only("all");
    faults.failNext(1, () -> new IllegalStateException("down"));

    part.put("a");
    assertThatThrownBy(part::all).hasMessage("down");
    assertThat(part.all()).containsExactly("a");
    assertThatThrownBy(() -> faults.only("none")).hasMessageContaining("none");
  }

  @Test
  void what_the_real_part_throws_is_not_wrapped() {
    assertThatThrownBy(() -> part.put("broken"))
        .isExactlyInstanceOf(IOException.class)
        .hasMessage("no room");
  }

  @Test
  void closing_is_neither_failed_nor_counted() throws Exception {
    faults.failAll(() -> new IllegalStateException("down"));

    part.close();

    assertThat(real.closed).isTrue();
    assertThat(faults.calls()).isZero();
  }

  @Test
  void a_part_has_an_identity_of_its_own_even_while_it_fails() {
    faults.failAll(() -> new IllegalStateException("down"));

    assertThat(part).isEqualTo(faults.part()).isNotEqualTo(real).hasToString("Faults of a shelf");
    assertThat(part.hashCode()).isEqualTo(faults.part().hashCode());
    assertThat(faults.calls()).isZero();
  }

  @Test
  void each_planned_failure_meets_one_call_whoever_calls() {
    faults.failNext(50, () -> new IllegalStateException("down"));
    AtomicInteger failed = new AtomicInteger();

    IntStream.range(0, 200)
        .parallel()
        .forEach(
            i -> {
              try {
                part.all();
              } catch (IllegalStateException e) {
                failed.incrementAndGet();
              }
            });

    assertThat(failed).hasValue(50);
    assertThat(faults.calls()).isEqualTo(200);
  }

  interface Store extends AutoCloseable {
    void put(String item) throws IOException;

    List<String> all();

    default void putTwice(String item) throws IOException {
      put(item);
      put(item);
    }

    @Override
    void close();
  }

  private static final class Shelf implements Store {
    private final List<String> kept = new ArrayList<>();
    private boolean closed;

    @Override
    public void put(String item) throws IOException {
      if (item.equals("broken")) {
        throw new IOException("no room");
      }
      kept.add(item);
    }

    @Override
    public List<String> all() {
      return List.copyOf(kept);
    }

    @Override
    public void close() {
      closed = true;
    }

    @Override
    public String toString() {
      return "a shelf";
    }
  }
}
