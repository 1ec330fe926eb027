package com.huntaze.ratelimiter.redis;

import com.huntaze.ratelimiter.limit.PermitRequest;
import com.huntaze.ratelimiter.limit.Scope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.util.SafeEncoder;

/**
 * The keys and arguments of one run of the bucket's script, in the order its head describes.
 * Confined to one thread.
 */
final class BucketCall {
  private static final byte[][] SMALL = new byte[16][];

  static {
    for (int i = 0; i < SMALL.length; i++) {
      SMALL[i] = SafeEncoder.encode(Integer.toString(i));
    }
  }

  private final BucketSettings settings;
  private final List<Scope> touched = new ArrayList<>(3);
  private final List<Integer> demand = new ArrayList<>(3);
  private final List<byte[]> operands = new ArrayList<>(8);

  /** Only for calls with many scopes; a few are found by looking. */
  private @Nullable Map<Scope, Integer> indexes;

  private boolean shortWay = true;
  private boolean partial;

  BucketCall(BucketSettings settings) {
    this.settings = settings;
  }

  /** A scope the operation is about; the script knows it by its index, from 1 on. */
  int touch(Scope scope) {
    int known = indexOf(scope);
    if (known > 0) {
      return known;
    }
    touched.add(scope);
    demand.add(0);
    if (indexes != null) {
      indexes.put(scope, touched.size());
    }
    return touched.size();
  }

  private int indexOf(Scope scope) {
    if (touched.size() < SMALL.length) {
      return touched.indexOf(scope) + 1;
    }
    if (indexes == null) {
      indexes = new HashMap<>();
      for (int i = 0; i < touched.size(); i++) {
        indexes.put(touched.get(i), i + 1);
      }
    }
    return indexes.getOrDefault(scope, 0);
  }

  void add(String operand) {
    operands.add(SafeEncoder.encode(operand));
  }

  void add(long operand) {
    operands.add(encoded(operand));
  }

  /**
   * Asks for permits.
   *
   * @param allScopes whether scopes are named that this caller has no limit for
   */
  static BucketCall acquire(
      BucketSettings settings, List<PermitRequest> requests, boolean allScopes) {
    BucketCall call = new BucketCall(settings);
    call.touch(Scope.global());
    call.add(requests.size());
    for (PermitRequest request : requests) {
      call.add(request, allScopes);
    }
    if (requests.size() > 1) {
      Set<String> ids = new HashSet<>();
      requests.forEach(request -> ids.add(request.id()));
      call.shortWay &= ids.size() == requests.size(); // which grants all, and so counts all
    }
    return call;
  }

  private void add(PermitRequest request, boolean allScopes) {
    add(request.id());
    add(BucketSettings.micros(request.bookingHorizon()));
    int order = operands.size();
    add(0);
    addScopes(request.scopes(), true, allScopes);
    if (request.isOrdered()) {
      operands.set(order, encoded(touch(request.orderScope())));
      shortWay = false;
    }
  }

  /** How many of the scopes are counted, and which they are. */
  void addScopes(List<Scope> scopes, boolean demanded, boolean allScopes) {
    int count = operands.size();
    operands.add(SMALL[0]);
    int limited = 0;
    for (Scope scope : scopes) {
      if (!allScopes && !settings.isLimited(scope.kind())) {
        partial = true;
      } else {
        int index = touch(scope);
        if (demanded) {
          demand.set(index - 1, demand.get(index - 1) + 1);
        }
        add(index);
        limited++;
      }
    }
    operands.set(count, encoded(limited));
  }

  List<byte[]> keys() {
    if (touched.size() == 1 && touched.get(0).kind() == Scope.Kind.GLOBAL) {
      return settings.globalKeys;
    }
    List<byte[]> keys = new ArrayList<>(3 + 3 * touched.size());
    keys.addAll(settings.globalKeys.subList(0, 3));
    for (Scope scope : touched) {
      String key = settings.key(scope.key());
      keys.add(SafeEncoder.encode(key + ":record"));
      keys.add(SafeEncoder.encode(key + ":plan"));
      keys.add(SafeEncoder.encode(key + ":state"));
    }
    return keys;
  }

  List<byte[]> args(byte[] operation, boolean firstStart) {
    List<byte[]> args = new ArrayList<>(8 + 9 * touched.size() + operands.size());
    args.add(operation);
    args.addAll(settings.common);
    args.add(settings.options(firstStart, shortWay, partial));
    args.add(encoded(touched.size()));
    for (int i = 0; i < touched.size(); i++) {
      args.add(BucketSettings.encodedName(touched.get(i).kind()));
      args.add(encoded(demand.get(i)));
      args.addAll(settings.limits(touched.get(i).kind()));
    }
    args.addAll(operands);
    return args;
  }

  private static byte[] encoded(long number) {
    return number >= 0 && number < SMALL.length
        ? SMALL[(int) number]
        : SafeEncoder.encode(Long.toString(number));
  }
}
