package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Computes AWS's signature of a request anew, from what arrived. */
final class SignatureV4 {
  private static final Pattern AUTHORIZATION =
      Pattern.compile(
          "AWS4-HMAC-SHA256 Credential=[^/]+/(\\d{8})/([^/]+)/([^/]+)/aws4_request, "
              + "SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})");

  private SignatureV4() {}

  /** What is wrong with a POST to the root of a service, or nothing. */
  static String fault(Headers headers, byte[] body, String service, String secretKey) {
    Matcher sent = AUTHORIZATION.matcher(String.valueOf(headers.getFirst("Authorization")));
    if (!sent.matches()) {
      return "not signed";
    }
    List<String> signed = List.of(sent.group(4).split(";"));
    if (!sent.group(3).equals(service) || !signed.containsAll(List.of("host", "x-amz-target"))) {
      return "signed for " + sent.group(3) + ", headers " + signed;
    }
    try {
      StringBuilder canonical = new StringBuilder("POST\n/\n\n");
      signed.forEach(
          name -> canonical.append(name).append(':').append(headers.getFirst(name)).append('\n'));
      canonical.append('\n').append(sent.group(4)).append('\n').append(sha256(body));
      String scope = sent.group(1) + "/" + sent.group(2) + "/" + service + "/aws4_request";
      String text =
          "AWS4-HMAC-SHA256\n"
              + headers.getFirst("X-Amz-Date")
              + "\n"
              + scope
              + "\n"
              + sha256(canonical.toString().getBytes(UTF_8));
      byte[] key = ("AWS4" + secretKey).getBytes(UTF_8);
      for (String part : scope.split("/")) {
        key = hmac(key, part);
      }
      return HexFormat.of().formatHex(hmac(key, text)).equals(sent.group(5))
          ? ""
          : "another signature";
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static String sha256(byte[] bytes) throws GeneralSecurityException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }

  private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(UTF_8));
  }
}
