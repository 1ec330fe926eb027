/** Contracts, fakes and local services for tests of the SDK and of code that uses it. */
module com.huntaze.ratelimiter.testkit {
  requires transitive com.huntaze.ratelimiter;
  requires transitive java.sql;
  requires transitive org.junit.jupiter.api;
  requires transitive org.jspecify;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.databind;
  requires java.naming;
  requires java.net.http;
  requires jdk.httpserver;
  requires org.assertj.core;
  requires org.slf4j;

  exports com.huntaze.ratelimiter.testkit;

  // JUnit calls the tests of the contracts, which are not public.
  opens com.huntaze.ratelimiter.testkit;
}
