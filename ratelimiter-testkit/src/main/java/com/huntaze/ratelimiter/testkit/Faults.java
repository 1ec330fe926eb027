package com.huntaze.ratelimiter.testkit;

import static java.util.Objects.requireNonNull;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of a part of the library and makes its calls fail when a test says so.
 *
 * <p>Works for any interface: a sink, a bucket, a store, a gateway, or a user's own. Tests give
 * {@link #part()} to the code under test and keep this object to plan failures:
 *
 * <pre>{@code
 * Faults<MessageSink> faults = Faults.of(MessageSink.class, new InMemoryQueue());
 * faults.failNext(2, () -> new IllegalStateException("down"));
 * }</pre>
 *
 * <p>A failed call does not reach the real part, except by {@link #failAfterDelegating}: the part
 * does its work and the caller is told otherwise, as when an answer is lost on the way back. What
 * the real part throws passes through unchanged. {@code close}, {@code equals}, {@code hashCode}
 * and {@code toString} are neither failed nor counted.
 *
 * <p>Thread-safe: each planned failure meets exactly one call.
 *
 * @param <T> the interface of the part
 */
public final class Faults<T> {
  private final Class<T> type;
  private final T real;
  private final T part;
  private final Deque<Fault> next = new ArrayDeque<>();
  private final Map<String, Integer> calls = new HashMap<>();
  private @Nullable Fault always;
  private Set<String> affected = Set.of();

  private Faults(Class<T> type, T real) {
    this.type = type;
    this.real = real;
    this.part =
        type.cast(
            Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (self, method, args) -> invoke(self, method, args)));
  }

  /**
   * {@return faults for a part, none of them planned yet}
   *
   * @param type the part's interface
   * @param real the part that does the work
   * @param <T> the interface
   * @throws IllegalArgumentException if {@code type} is no interface
   */
  public static <T> Faults<T> of(Class<T> type, T real) {
    return new Faults<>(requireNonNull(type, "type"), requireNonNull(real, "real"));
  }

  /** {@return the part as the code under test should see it; always the same object} */
  public T part() {
    return part;
  }

  /**
   * Makes the next calls fail before they reach the real part, after those already planned.
   *
   * @param count how many
   * @param failure makes what each of them throws
   */
  public synchronized void failNext(int count, Supplier<? extends RuntimeException> failure) {
    plan(count, new Fault(failure, false));
  }

  /**
   * Makes the next calls fail although the real part did its work, after those already planned.
   *
   * @param count how many
   * @param failure makes what each of them throws
   */
  public synchronized void failAfterDelegating(
      int count, Supplier<? extends RuntimeException> failure) {
    plan(count, new Fault(failure, true));
  }

  /**
   * Makes every call fail before it reaches the real part, until {@link #heal()}; those planned one
   * by one come first.
   *
   * @param failure makes what each of them throws
   */
  public synchronized void failAll(Supplier<? extends RuntimeException> failure) {
    always = new Fault(failure, false);
  }

  /**
   * Confines failures, planned and to come, to calls of some methods; other calls pass and use up
   * no planned failure.
   *
   * @param methods the names of the methods; none means every method, as at the start
   * @throws IllegalArgumentException if the part has no method of such a name
   */
  public synchronized void only(String... methods) {
    List<String> known = Arrays.stream(type.getMethods()).map(Method::getName).toList();
    for (String method : methods) {
      if (!known.contains(method)) {
        throw new IllegalArgumentException(type.getName() + " has no method " + method);
      }
    }
    affected = Set.of(methods);
  }

  /** Forgets every planned failure: calls pass again. Counts and {@link #only} stay. */
  public synchronized void heal() {
    next.clear();
    always = null;
  }

  /** {@return how many calls the part has had, failed ones included} */
  public synchronized int calls() {
    return calls.values().stream().mapToInt(Integer::intValue).sum();
  }

  /**
   * {@return how many calls one method of the part has had, failed ones included}
   *
   * @param method the method's name
   */
  public synchronized int calls(String method) {
    return calls.getOrDefault(method, 0);
  }

  private void plan(int count, Fault fault) {
    for (int i = 0; i < count; i++) {
      next.addLast(fault);
    }
  }

  private @Nullable Object invoke(Object self, Method method, Object @Nullable [] args)
      throws Throwable {
    if (method.getDeclaringClass() == Object.class) {
      return switch (method.getName()) {
        case "equals" -> args != null && args[0] == self;
        case "hashCode" -> System.identityHashCode(self);
        default -> "Faults of " + real;
      };
    }
    Fault fault = count(method.getName());
    if (fault != null && !fault.afterwards()) {
      throw fault.failure().get();
    }
    @Nullable Object answer = delegate(method, args);
    if (fault != null) {
      throw fault.failure().get();
    }
    return answer;
  }

  private synchronized @Nullable Fault count(String method) {
    if (method.equals("close")) {
      return null;
    }
    calls.merge(method, 1, Integer::sum);
    if (!affected.isEmpty() && !affected.contains(method)) {
      return null;
    }
    Fault planned = next.pollFirst();
    return planned != null ? planned : always;
  }

  private @Nullable Object delegate(Method method, Object @Nullable [] args) throws Throwable {
    if (!method.trySetAccessible()) {
      throw new IllegalStateException("the interface cannot be called from here: " + method);
    }
    try {
      return method.invoke(real, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private record Fault(Supplier<? extends RuntimeException> failure, boolean afterwards) {}
}
