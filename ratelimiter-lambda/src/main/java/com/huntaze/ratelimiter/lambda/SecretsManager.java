package com.huntaze.ratelimiter.lambda;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.huntaze.ratelimiter.RateLimiterConfig;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.regions.Region;

/**
 * Asks Secrets Manager for the value of a secret: its one call {@code GetSecretValue} in AWS's JSON
 * 1.1, signed by the SDK. Thread-safe; holds nothing open that has to be closed.
 */
final class SecretsManager {
  private static final String SERVICE = "secretsmanager";
  private static final String TARGET = "secretsmanager.GetSecretValue";

  /** For connecting, and as much again for the answer. */
  private static final int TIMEOUT_MILLIS = 1_000;

  private static final JsonFactory JSON = new JsonFactory();

  private final URI endpoint;
  private final String region;
  private final AwsCredentialsProvider credentials;
  private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();

  private SecretsManager(URI endpoint, String region, AwsCredentialsProvider credentials) {
    this.endpoint = endpoint;
    this.region = region;
    this.credentials = credentials;
  }

  static SecretsManager of(RateLimiterConfig config) {
    Region region = Region.of(config.region());
    URI endpoint = config.awsEndpoint().orElseGet(() -> ofAws(region));
    return new SecretsManager(endpoint, region.id(), LambdaSqs.credentials(config));
  }

  private static URI ofAws(Region region) {
    String suffix = region.metadata().partition().dnsSuffix();
    return URI.create("https://" + SERVICE + "." + region.id() + "." + suffix);
  }

  /**
   * Reads a secret.
   *
   * @param id its ARN or name, and {@code #field} if one field of a JSON object is meant
   * @return the value, not blank
   * @throws UnreadableSecretException if there is none or it cannot be asked for; says why
   */
  String read(String id) {
    String[] parts = id.split("#", 2);
    String value;
    try {
      value = ask(parts[0]);
    } catch (IOException e) {
      throw new UnreadableSecretException(e.getClass().getName());
    }
    if (value == null) {
      throw new UnreadableSecretException("it has no text");
    }
    String wanted = parts.length == 1 ? value : field(value, parts[1]);
    if (wanted == null || wanted.isBlank()) {
      throw new UnreadableSecretException(
          parts.length == 1 ? "it is blank" : "it is no JSON object with such a field");
    }
    return wanted.strip();
  }

  private @Nullable String ask(String id) throws IOException {
    byte[] body = request(id);
    SdkHttpRequest request =
        SdkHttpRequest.builder()
            .uri(endpoint.resolve("/"))
            .method(SdkHttpMethod.POST)
            .putHeader("Content-Type", "application/x-amz-json-1.1")
            .putHeader("X-Amz-Target", TARGET)
            .build();
    SdkHttpRequest signed =
        signer
            .sign(
                each ->
                    each.identity(credentials.resolveCredentials())
                        .request(request)
                        .payload(() -> new ByteArrayInputStream(body))
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, SERVICE)
                        .putProperty(AwsV4HttpSigner.REGION_NAME, region))
            .request();
    HttpURLConnection connection = (HttpURLConnection) signed.getUri().toURL().openConnection();
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    connection.setInstanceFollowRedirects(false);
    connection.setRequestMethod("POST");
    connection.setDoOutput(true);
    signed.forEachHeader((name, values) -> connection.setRequestProperty(name, values.get(0)));
    connection.getOutputStream().write(body);
    int status = connection.getResponseCode();
    if (status != HttpURLConnection.HTTP_OK) {
      throw new UnreadableSecretException(refusal(status, connection));
    }
    try (InputStream answer = connection.getInputStream()) {
      return field(new String(answer.readAllBytes(), UTF_8), "SecretString");
    }
  }

  private static byte[] request(String id) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(body)) {
      json.writeStartObject();
      json.writeStringField("SecretId", id);
      json.writeEndObject();
    }
    return body.toByteArray();
  }

  /** AWS's code, such as ResourceNotFoundException, and not its words. */
  private static String refusal(int status, HttpURLConnection connection) throws IOException {
    String code = null;
    try (InputStream answer = connection.getErrorStream()) {
      if (answer != null) {
        code = field(new String(answer.readAllBytes(), UTF_8), "__type");
      }
    }
    String simple = code == null ? "" : code.substring(code.indexOf('#') + 1);
    return "status " + status + (simple.matches("\\w{1,80}") ? ", " + simple : "");
  }

  /** The text or number of a field of a JSON object; null if there is none, or no such object. */
  private static @Nullable String field(String object, String name) {
    try (JsonParser json = JSON.createParser(object)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        boolean isIt = json.currentName().equals(name);
        JsonToken value = json.nextToken();
        if (isIt) {
          return value.isScalarValue() && value != JsonToken.VALUE_NULL ? json.getText() : null;
        }
        json.skipChildren();
      }
      return null;
    } catch (IOException e) {
      return null; // its words may quote the secret
    }
  }
}
