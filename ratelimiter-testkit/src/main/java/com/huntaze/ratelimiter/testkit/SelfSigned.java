package com.huntaze.ratelimiter.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * A certificate for 127.0.0.1 and localhost that vouches for itself, and a file by which clients
 * can trust it. Made by the JDK's keytool. Thread-safe.
 */
final class SelfSigned implements AutoCloseable {
  static final String PASSWORD = "changeit";

  private static final String TYPE = "PKCS12";
  private static final String ALIAS = "local";

  private final Path directory;
  private final Path trustStore;
  private final SSLContext context;

  private SelfSigned(Path directory, Path trustStore, SSLContext context) {
    this.directory = directory;
    this.trustStore = trustStore;
    this.context = context;
  }

  static SelfSigned create() throws IOException, GeneralSecurityException {
    Path directory = Files.createTempDirectory("local-tls");
    Path trustStore = directory.resolve("trust.p12");
    // In case nobody closes this; the last one named is the first to go.
    directory.toFile().deleteOnExit();
    trustStore.toFile().deleteOnExit();
    try {
      KeyStore key = keyIn(directory.resolve("key.p12"));
      writeTrust(key.getCertificate(ALIAS), trustStore);
      return new SelfSigned(directory, trustStore, serverContext(key));
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      Directories.delete(directory);
      throw e;
    }
  }

  Path trustStore() {
    return trustStore;
  }

  /** For the side that shows the certificate. */
  SSLContext context() {
    return context;
  }

  @Override
  public void close() {
    try {
      Directories.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes the key; its file is gone when this returns. */
  private static KeyStore keyIn(Path file) throws IOException, GeneralSecurityException {
    run(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
            "-genkeypair",
            "-alias",
            ALIAS,
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-dname",
            "CN=localhost",
            "-ext",
            "SAN=ip:127.0.0.1,dns:localhost",
            "-validity",
            "30",
            "-storetype",
            TYPE,
            "-storepass",
            PASSWORD,
            "-keystore",
            file.toString()));
    KeyStore key = KeyStore.getInstance(TYPE);
    try (InputStream in = Files.newInputStream(file)) {
      key.load(in, PASSWORD.toCharArray());
    }
    Files.delete(file);
    return key;
  }

  private static void writeTrust(@Nullable Certificate certificate, Path file)
      throws IOException, GeneralSecurityException {
    KeyStore trust = KeyStore.getInstance(TYPE);
    trust.load(null, null);
    trust.setCertificateEntry(ALIAS, certificate);
    try (OutputStream out = Files.newOutputStream(file)) {
      trust.store(out, PASSWORD.toCharArray());
    }
  }

  private static SSLContext serverContext(KeyStore key) throws GeneralSecurityException {
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(key, PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return context;
  }

  private static void run(List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (InputStream output = process.getInputStream()) {
      process.getOutputStream().close(); // it asks for what it misses, and gets nothing
      String said = new String(output.readAllBytes(), UTF_8);
      if (process.waitFor() != 0) {
        throw new IOException("keytool failed: " + said.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while keytool ran", e);
    } finally {
      process.destroyForcibly();
    }
  }
}
