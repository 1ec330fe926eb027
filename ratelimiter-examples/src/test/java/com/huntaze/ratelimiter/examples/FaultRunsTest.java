package com.huntaze.ratelimiter.examples;

import static java.util.stream.Collectors.toSet;

import com.huntaze.ratelimiter.testkit.LocalPostgres;
import com.huntaze.ratelimiter.testkit.LocalRedis;
import com.huntaze.ratelimiter.testkit.LocalSqs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Whatever strikes, nothing is lost, doubled, out of order or over the limit. {@code -Dseed=}
 * replays one run, {@code -Druns=} says how many there are, {@code -Dmessages=} how many messages,
 * and {@code -Dfaults=} which faults strike in each of them.
 */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class FaultRunsTest {
  @RegisterExtension static final LocalSqs SQS = LocalSqs.shared();
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();

  @Test
  void the_invariants_hold_in_a_run_with_faults_at_random() throws Exception {
    run(
        Integer.getInteger("runs", 1),
        Integer.getInteger("messages", 40),
        Set.of(FaultRun.Fault.WORKERS_STOPPED)); // takes too long for every build
  }

  @Test
  @Tag("slow")
  @Timeout(value = 4, unit = TimeUnit.HOURS)
  void the_invariants_hold_in_two_hundred_runs_with_faults_at_random() throws Exception {
    run(Integer.getInteger("runs", 200), Integer.getInteger("messages", 150), Set.of());
  }

  private static Set<FaultRun.Fault> faults(long seed, Set<FaultRun.Fault> but) {
    String chosen = System.getProperty("faults");
    return chosen == null
        ? FaultRun.someFaults(new SplittableRandom(seed), but)
        : Arrays.stream(chosen.split(",")).map(FaultRun.Fault::valueOf).collect(toSet());
  }

  private static void run(int runs, int messages, Set<FaultRun.Fault> but) throws Exception {
    long first = Long.getLong("seed", System.nanoTime());
    int count = Long.getLong("seed") == null ? runs : 1;
    List<AssertionError> failed = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long seed = first + i;
      try (LocalRedis redis = LocalRedis.start();
          FaultRun run = new FaultRun(redis, seed, messages, faults(seed, but))) {
        run.run();
      } catch (AssertionError e) {
        System.out.println(e.getMessage() + ": " + e.getCause());
        failed.add(e);
      }
    }
    if (!failed.isEmpty()) {
      AssertionError all = new AssertionError(failed.size() + " of " + count + " runs failed");
      failed.forEach(all::addSuppressed);
      throw all;
    }
  }
}
