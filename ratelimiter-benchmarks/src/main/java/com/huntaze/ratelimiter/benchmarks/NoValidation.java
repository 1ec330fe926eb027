package com.huntaze.ratelimiter.benchmarks;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import javax.validation.Configuration;
import javax.validation.ValidatorFactory;
import javax.validation.spi.BootstrapState;
import javax.validation.spi.ConfigurationState;
import javax.validation.spi.ValidationProvider;
import org.jspecify.annotations.Nullable;

/**
 * A Bean Validation 2 that finds nothing to complain of: what a peer's own one would cost, which
 * cannot be on the class path together with ours, is spared it. Found by the service loader.
 */
public final class NoValidation implements ValidationProvider<NoValidation.Settings> {
  /** Takes every setting. */
  interface Settings extends Configuration<Settings> {}

  /** For the service loader. */
  public NoValidation() {}

  @Override
  public Settings createSpecializedConfiguration(BootstrapState state) {
    return of(Settings.class);
  }

  @Override
  public Configuration<?> createGenericConfiguration(BootstrapState state) {
    return of(Settings.class);
  }

  @Override
  public ValidatorFactory buildValidatorFactory(ConfigurationState configurationState) {
    return of(ValidatorFactory.class);
  }

  private static <T> T of(Class<T> type) {
    ClassLoader loader = NoValidation.class.getClassLoader();
    return type.cast(Proxy.newProxyInstance(loader, new Class<?>[] {type}, NoValidation::answer));
  }

  /** No violation; or the object itself, which is a builder; or what else the method promises. */
  private static Object answer(Object self, Method method, Object @Nullable [] arguments) {
    Class<?> type = method.getReturnType();
    if (type == Set.class) {
      return Set.of();
    }
    return type.isInstance(self) ? self : of(type);
  }
}
