package com.huntaze.ratelimiter.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/** One script of this package, run by its digest; a server that lost it is given it again. */
final class LuaScript {
  private final String text;
  private final String sha1;

  private LuaScript(String text) {
    this.text = text;
    try {
      byte[] digest = MessageDigest.getInstance("SHA-1").digest(text.getBytes(UTF_8));
      this.sha1 = HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }

  static LuaScript named(String resource) {
    try (InputStream stream = LuaScript.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalStateException("the script " + resource + " is missing from the jar");
      }
      return new LuaScript(new String(stream.readAllBytes(), UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the script. A NOSCRIPT is certain not to have run, so it may be sent again whole. */
  Object run(UnifiedJedis jedis, List<String> keys, List<String> args) {
    try {
      return jedis.evalsha(sha1, keys, args);
    } catch (JedisNoScriptException e) {
      return jedis.eval(text, keys, args);
    }
  }
}
