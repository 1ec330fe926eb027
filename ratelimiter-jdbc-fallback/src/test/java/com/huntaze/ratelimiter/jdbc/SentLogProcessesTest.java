package com.huntaze.ratelimiter.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.huntaze.ratelimiter.testkit.LocalMariaDb;
import com.huntaze.ratelimiter.testkit.LocalPostgres;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Processes that deliver the same messages and share one sent-log, on each database. */
@DisplayNameGeneration(DisplayNameGenerator.ReplaceUnderscores.class)
class SentLogProcessesTest {
  @RegisterExtension static final LocalPostgres POSTGRES = LocalPostgres.shared();
  @RegisterExtension static final LocalMariaDb MARIADB = LocalMariaDb.shared();

  private static final int PROCESSES = 3;
  private static final int MESSAGES = 150;

  @Test
  void each_message_is_called_for_once_among_processes() throws Exception {
    List<String> urls =
        List.of(
            POSTGRES.newDatabase().jdbcUrl(),
            MARIADB.newDatabase().jdbcUrl(),
            SharedH2.newDatabase());
    for (String url : urls) {
      try (KeptConnection connection = KeptConnection.to(url)) {
        JdbcSentLog.builder(connection.dataSource()).build().createSchema();
      }
    }
    Queue<String> heard = new ConcurrentLinkedQueue<>();
    CountDownLatch ready = new CountDownLatch(PROCESSES);
    JavaImage image = JavaImage.plain();
    List<JavaProcess> processes = new ArrayList<>();
    try {
      for (int i = 0; i < PROCESSES; i++) {
        List<String> arguments = new ArrayList<>(List.of("" + MESSAGES, "" + i));
        arguments.addAll(urls);
        processes.add(
            JavaProcess.start(
                image,
                BeginningProcess.class,
                arguments,
                line -> {
                  heard.add(line);
                  if (line.equals(ClaimingProcess.READY)) {
                    ready.countDown();
                  }
                }));
      }
      assertThat(ready.await(2, TimeUnit.MINUTES)).isTrue();
      processes.forEach(process -> process.tell(ClaimingProcess.GO));
      for (JavaProcess process : processes) {
        assertThat(process.endsWithin(Duration.ofMinutes(3))).isTrue();
      }
    } finally {
      processes.forEach(JavaProcess::close);
    }
    List<String> calls =
        heard.stream().filter(line -> line.startsWith(BeginningProcess.CALLED)).toList();

    assertThat(heard).noneMatch(line -> line.startsWith(BeginningProcess.FAILED));
    assertThat(calls).doesNotHaveDuplicates();
    for (int database = 0; database < urls.size(); database++) {
      String prefix = BeginningProcess.CALLED + database + " ";
      assertThat(calls).filteredOn(line -> line.startsWith(prefix)).hasSize(MESSAGES);
    }
  }
}
