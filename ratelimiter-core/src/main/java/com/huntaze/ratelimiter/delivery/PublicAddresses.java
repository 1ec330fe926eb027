package com.huntaze.ratelimiter.delivery;

import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * Tells hosts of the public internet from those of this machine and its networks, which a URL that
 * came from a user must not reach: loopback, private and link-local networks, the cloud's metadata
 * service among them. Thread-safe.
 */
final class PublicAddresses {
  private PublicAddresses() {}

  /**
   * Whether every address of a host is public. Asks the name service, and may block as long as that
   * takes.
   *
   * @throws UncheckedIOException if the host has no address; names it
   */
  static boolean isPublic(String host) {
    try {
      return Arrays.stream(InetAddress.getAllByName(host)).allMatch(PublicAddresses::isPublic);
    } catch (UnknownHostException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean isPublic(InetAddress address) {
    if (address.isAnyLocalAddress()
        || address.isLoopbackAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress()
        || address.isMulticastAddress()) {
      return false;
    }
    byte[] bytes = address.getAddress();
    int first = bytes[0] & 0xFF;
    int second = bytes[1] & 0xFF;
    if (bytes.length == 4) {
      boolean thisNetwork = first == 0;
      boolean carriers = first == 100 && (second & 0xC0) == 64;
      boolean protocols = first == 192 && second == 0 && bytes[2] == 0;
      boolean benchmarks = first == 198 && (second & 0xFE) == 18;
      boolean reserved = first >= 240;
      return !(thisNetwork || carriers || protocols || benchmarks || reserved);
    }
    // Global unicast is 2000::/3; 2002::/16 and 2001::/32 wrap IPv4 addresses, maybe private ones.
    boolean wrapped =
        first == 0x20 && (second == 0x02 || (second == 0x01 && bytes[2] == 0 && bytes[3] == 0));
    return (first & 0xE0) == 0x20 && !wrapped;
  }
}
