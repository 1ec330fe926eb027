package com.huntaze.ratelimiter.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerBuilder;
import com.github.kagkarlsson.scheduler.event.AbstractSchedulerListener;
import com.github.kagkarlsson.scheduler.jdbc.MySQL8JdbcCustomization;
import com.github.kagkarlsson.scheduler.serializer.Serializer;
import com.github.kagkarlsson.scheduler.task.ExecutionComplete;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import javax.sql.DataSource;

/**
 * db-scheduler, with the table and the two indexes that its documentation has for those who use no
 * priorities, and with one-time tasks whose data is the JSON's bytes.
 */
final class SchedulerStore implements MeasuredStore {
  static final int WORKERS = 10;
  static final Duration POLLING = Duration.ofMillis(50);

  private static final String POSTGRES =
      """
      CREATE TABLE scheduled_tasks (
        task_name TEXT NOT NULL, task_instance TEXT NOT NULL, task_data BYTEA,
        execution_time TIMESTAMP WITH TIME ZONE NOT NULL,
        picked BOOLEAN NOT NULL, picked_by TEXT,
        last_success TIMESTAMP WITH TIME ZONE, last_failure TIMESTAMP WITH TIME ZONE,
        consecutive_failures INT, last_heartbeat TIMESTAMP WITH TIME ZONE,
        version BIGINT NOT NULL, priority SMALLINT,
        PRIMARY KEY (task_name, task_instance))\
      """;

  private static final String MARIADB =
      """
      CREATE TABLE scheduled_tasks (
        task_name VARCHAR(100) NOT NULL, task_instance VARCHAR(100) NOT NULL, task_data BLOB,
        execution_time TIMESTAMP(6) NOT NULL,
        picked BOOLEAN NOT NULL, picked_by VARCHAR(50),
        last_success TIMESTAMP(6) NULL, last_failure TIMESTAMP(6) NULL,
        consecutive_failures INT, last_heartbeat TIMESTAMP(6) NULL,
        version BIGINT NOT NULL, priority SMALLINT,
        PRIMARY KEY (task_name, task_instance))\
      """;

  private static final List<String> INDEXES =
      List.of(
          "CREATE INDEX execution_time_idx ON scheduled_tasks (execution_time)",
          "CREATE INDEX last_heartbeat_idx ON scheduled_tasks (last_heartbeat)");

  private final Polling polling;
  private final TransactionPool pool;

  /** PostgreSQL's driver makes one transaction of a batch by itself, and saves the round trips. */
  private final boolean batchesCommit;

  private final StoredSamples samples;
  private final OneTimeTask<String> task =
      Tasks.oneTime("send", String.class).execute((instance, context) -> {});
  private final Scheduler idle;
  private volatile Scheduler scheduling;

  /** How it finds what is due. Limits are in executions for each of its threads. */
  enum Polling {
    /** Leases many at once. */
    LOCK_AND_FETCH("lock-and-fetch", 10, 100),

    /** Reads many, of which each thread leases its own; what it does on MariaDB. */
    FETCH("fetch", 10, 100),

    /** Leases many at once, where it thinks that it cannot: it is told of MySQL 8. */
    LOCK_AND_FETCH_AS_MYSQL("lock-and-fetch as on MySQL 8", 5, 50);

    private final String title;
    private final double lower;
    private final double upper;

    Polling(String title, double lower, double upper) {
      this.title = title;
      this.lower = lower;
      this.upper = upper;
    }

    static List<Polling> on(MeasuredDatabase.Kind kind) {
      return switch (kind) {
        case POSTGRES -> List.of(LOCK_AND_FETCH);
        case MARIADB -> List.of(FETCH, LOCK_AND_FETCH_AS_MYSQL);
      };
    }

    String title() {
      return title + ", from " + (int) (lower * WORKERS) + " up to " + (int) (upper * WORKERS);
    }
  }

  /** The raw bytes of a text. */
  private static final class Utf8 implements Serializer {
    @Override
    public byte[] serialize(Object data) {
      return data.toString().getBytes(UTF_8);
    }

    @Override
    public <T> T deserialize(Class<T> type, byte[] bytes) {
      return type.cast(new String(bytes, UTF_8));
    }
  }

  SchedulerStore(MeasuredDatabase database, StoredSamples samples, Polling polling)
      throws SQLException {
    this.polling = polling;
    this.pool = database.newPool(true);
    this.samples = samples;
    this.batchesCommit = database.kind() == MeasuredDatabase.Kind.POSTGRES;
    String table = batchesCommit ? POSTGRES : MARIADB;
    MeasuredDatabase.execute(pool, Stream.concat(Stream.of(table), INDEXES.stream()).toList());
    this.idle = builder().build();
    this.scheduling = idle;
  }

  private SchedulerBuilder builder() {
    SchedulerBuilder builder =
        Scheduler.create(pool, task)
            .serializer(new Utf8())
            .alwaysPersistTimestampInUTC()
            .threads(WORKERS)
            .pollingInterval(POLLING);
    return switch (polling) {
      case LOCK_AND_FETCH -> builder.pollUsingLockAndFetch(polling.lower, polling.upper);
      case FETCH -> builder.pollUsingFetch(polling.lower, polling.upper);
      case LOCK_AND_FETCH_AS_MYSQL ->
          builder
              .jdbcCustomization(new MySQL8JdbcCustomization(true))
              .pollUsingLockAndFetch(polling.lower, polling.upper);
    };
  }

  @Override
  public void storeOne() {
    scheduling.scheduleIfNotExists(instance(), Instant.now());
  }

  @Override
  public void storeTen() {
    List<TaskInstance<?>> ten = Stream.generate(this::instance).limit(TEN).toList();
    Runnable schedule = () -> scheduling.scheduleBatch(ten, Instant.now());
    if (batchesCommit) {
      schedule.run();
    } else {
      pool.inTransaction(schedule);
    }
  }

  private TaskInstance<?> instance() {
    return task.instance(UUID.randomUUID().toString(), samples.json());
  }

  /** A scheduler that looks as soon as something is stored by it. */
  Running work(CountDownLatch done) {
    Scheduler working =
        builder()
            .enableImmediateExecution()
            .addSchedulerListener(
                new AbstractSchedulerListener() {
                  @Override
                  public void onExecutionComplete(ExecutionComplete complete) {
                    done.countDown();
                  }
                })
            .build();
    scheduling = working;
    working.start();
    return () -> {
      scheduling = idle;
      working.stop();
    };
  }

  @Override
  public long waiting() throws SQLException {
    return MeasuredDatabase.count(pool, "scheduled_tasks");
  }

  @Override
  public DataSource pool() {
    return pool;
  }

  @Override
  public void close() {
    idle.stop();
    pool.close();
  }
}
