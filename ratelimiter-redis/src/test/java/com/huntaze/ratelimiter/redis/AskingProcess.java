package com.huntaze.ratelimiter.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.huntaze.ratelimiter.limit.Permit;
import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.RateLimit;
import com.huntaze.ratelimiter.limit.TokenBucketException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.providers.PooledConnectionProvider;

/**
 * A process that asks one bucket from many threads and uses each permit as the edge does: waits
 * until it is due, looks whether it is still fresh, and calls. Each call is a line on standard
 * output with the machine's monotonic clock, which all processes share. It goes on and pauses as
 * told by lines on standard input, and ends with it.
 */
final class AskingProcess {
  static final String GO = "go";
  static final String PAUSE = "pause";
  static final String PAUSED = "paused";
  static final String CALL = "call ";

  private static final Duration HORIZON = Duration.ofSeconds(5);

  private final RedisTokenBucket bucket;
  private final Duration guard;
  private final Semaphore mayAsk = new Semaphore(0);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final int threads;

  private AskingProcess(RedisTokenBucket bucket, Duration guard, int threads) {
    this.bucket = bucket;
    this.guard = guard;
    this.threads = threads;
  }

  /** The arguments: Redis, namespace, limit, guard, threads, and how far the clock is off. */
  static List<String> args(
      URI redis, String namespace, RateLimit limit, Duration guard, int threads, Duration off) {
    return List.of(
        redis.toString(),
        namespace,
        limit.toString(),
        guard.toString(),
        Integer.toString(threads),
        off.toString());
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    URI redis = URI.create(args[0]);
    Duration guard = Duration.parse(args[3]);
    int threads = Integer.parseInt(args[4]);
    long off = Duration.parse(args[5]).toNanos();
    try (UnifiedJedis jedis = new SteppedTimeRedis(redis, threads)) {
      RedisTokenBucket bucket =
          RedisTokenBucket.builder(jedis)
              .namespace(args[1])
              .limit(RateLimit.parse(args[2]))
              .guard(guard)
              .grace(Duration.ofSeconds(1))
              .ticker(() -> System.nanoTime() + off)
              .build();
      new AskingProcess(bucket, guard, threads).run();
    }
  }

  private void run() throws IOException, InterruptedException {
    ExecutorService askers = Executors.newFixedThreadPool(threads);
    for (int i = 0; i < threads; i++) {
      int thread = i;
      askers.execute(() -> ask(thread));
    }
    var orders = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String order = orders.readLine(); order != null; order = orders.readLine()) {
      if (order.equals(GO)) {
        mayAsk.release(threads);
      } else {
        mayAsk.acquire(threads); // returns when no thread is between asking and calling
        say(PAUSED);
      }
    }
    ended.countDown();
    askers.shutdownNow();
  }

  private void ask(int thread) {
    String name = ProcessHandle.current().pid() + "-" + thread + "-";
    try {
      for (int i = 0; ; i++) {
        PermitRequest request = PermitRequest.of(name + i);
        if (thread % 2 == 0) {
          request = request.bookingUpTo(HORIZON);
        }
        Duration wait = Duration.ZERO;
        for (int attempt = 0; attempt < 3 && !wait.isNegative(); attempt++) {
          await(wait);
          mayAsk.acquire();
          try {
            wait = askOnce(request);
          } finally {
            mayAsk.release();
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Asks, and calls if it may; answers how long to wait before asking again, or less than zero. */
  private Duration askOnce(PermitRequest request) throws InterruptedException {
    long asked = System.nanoTime();
    try {
      Permit permit = bucket.tryAcquire(request);
      if (permit instanceof Permit.Granted granted) {
        long due = asked + granted.delay().toNanos();
        await(granted.delay());
        long now = System.nanoTime();
        if (now - due <= guard.toNanos()) {
          say(CALL + now);
        }
        return Duration.ofNanos(-1);
      }
      return permit instanceof Permit.Booked booked
          ? booked.delay()
          : shorter(((Permit.Refused) permit).retryAfter(), Duration.ofMillis(30));
    } catch (TokenBucketException e) {
      return Duration.ofMillis(5);
    }
  }

  private void await(Duration wait) throws InterruptedException {
    if (ended.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
      throw new InterruptedException("the process ends");
    }
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  /** The real clock of the real server, set back by as much as a key says. */
  static final class SteppedTimeRedis extends UnifiedJedis {
    static final String STEP = "{clock}step";

    private static final String CLOCK = "local time = call('TIME')";
    private static final String STEPPED =
        CLOCK + " time[1] = time[1] - (call('GET', '" + STEP + "') or 0)";

    private volatile byte @Nullable [] sha1;

    SteppedTimeRedis(URI redis, int connections) {
      super(
          new PooledConnectionProvider(
              new HostAndPort(redis.getHost(), redis.getPort()),
              DefaultJedisClientConfig.builder().timeoutMillis(400).build(),
              pool(connections)),
          RedisProtocol.RESP2);
    }

    private static ConnectionPoolConfig pool(int connections) {
      ConnectionPoolConfig pool = new ConnectionPoolConfig();
      pool.setMaxTotal(connections);
      pool.setMaxIdle(connections);
      return pool;
    }

    @Override
    public Object evalsha(byte[] sha, List<byte[]> keys, List<byte[]> args) {
      byte[] own = sha1;
      return super.evalsha(own == null ? sha : own, keys, args);
    }

    @Override
    public Object eval(byte[] script, List<byte[]> keys, List<byte[]> args) {
      String text = new String(script, UTF_8);
      if (!text.contains(CLOCK)) {
        throw new AssertionError("the script does not ask for the time");
      }
      String stepped = text.replace(CLOCK, STEPPED);
      sha1 = scriptLoad(stepped).getBytes(UTF_8);
      return super.eval(stepped.getBytes(UTF_8), keys, args);
    }
  }
}
