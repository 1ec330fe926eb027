package com.huntaze.ratelimiter.testkit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Runs tests of a contract one by one, on a part that may break it: a contract that no fault fails
 * promises nothing. Thread-safe.
 */
public final class ContractRun {
  private ContractRun() {}

  /**
   * The names of a contract's tests.
   *
   * @param contract a class with tests
   * @return the names of its test methods
   */
  public static List<String> tests(Class<?> contract) {
    return Arrays.stream(contract.getDeclaredMethods())
        .filter(method -> method.isAnnotationPresent(Test.class))
        .map(Method::getName)
        .toList();
  }

  /**
   * What a test failed with.
   *
   * @param contract the contract
   * @param test the name of one of its tests
   * @param instance makes an instance for the part, as JUnit does for each test
   * @param <T> the contract
   * @return the failure; empty if the test passed
   * @throws LinkageError if the contract has no such test
   */
  public static <T> Optional<Throwable> failure(
      Class<T> contract, String test, Supplier<? extends T> instance) {
    try {
      Method method = contract.getDeclaredMethod(test);
      method.setAccessible(true);
      method.invoke(instance.get());
      return Optional.empty();
    } catch (InvocationTargetException e) {
      return Optional.of(e.getTargetException());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    } finally {
      Thread.interrupted(); // whatever the test left behind
    }
  }
}
