/** The SDK itself; see {@link com.huntaze.ratelimiter.RateLimitedOnlyFansClient}. */
module com.huntaze.ratelimiter {
  requires transitive org.jspecify;
  requires java.net.http;
  requires transitive org.slf4j;
  requires dev.failsafe.core;
  requires jakarta.validation;
  requires org.hibernate.validator;
  requires com.fasterxml.jackson.core;

  exports com.huntaze.ratelimiter;
  exports com.huntaze.ratelimiter.delivery;
  exports com.huntaze.ratelimiter.fallback;
  exports com.huntaze.ratelimiter.limit;
  exports com.huntaze.ratelimiter.metrics;
  exports com.huntaze.ratelimiter.queue;

  // The rules of a message are read from its private fields.
  opens com.huntaze.ratelimiter to
      org.hibernate.validator;
}
