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

/** A script of this package, run by its digest; a server that lost it is given it again. */
final class LuaScript {
  private final byte[] text;
  private final byte[] sha1;

  private LuaScript(String text) {
    this.text = text.getBytes(UTF_8);
    try {
      byte[] digest = MessageDigest.getInstance("SHA-1").digest(this.text);
      this.sha1 = HexFormat.of().formatHex(digest).getBytes(UTF_8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-1", e);
    }
  }

  /** The script whose parts stand in these files, one after the other. */
  static LuaScript of(String... resources) {
    StringBuilder text = new StringBuilder();
    for (String resource : resources) {
      text.append(read(resource));
    }
    return new LuaScript(text.toString());
  }

  private static String read(String resource) {
    try (InputStream stream = LuaScript.class.getResourceAsStream(resource)) {
      if (stream == null) {
        throw new IllegalStateException("the script " + resource + " is missing from the jar");
      }
      return new String(stream.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the script. A NOSCRIPT is certain not to have run, so it may be sent again whole. */
  Object run(UnifiedJedis jedis, List<byte[]> keys, List<byte[]> args) {
    try {
      return jedis.evalsha(sha1, keys, args);
    } catch (JedisNoScriptException e) {
      return jedis.eval(text, keys, args);
    }
  }
}
