package com.huntaze.ratelimiter.s3;

import static java.util.Objects.requireNonNull;

import com.huntaze.ratelimiter.delivery.DeliveryResult;
import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.delivery.ResultStoreException;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;

/**
 * Keeps results as objects in Amazon S3: {@link DeliveryResult#toJson} under the prefix and {@link
 * DeliveryResult#path}. Of two results of a message on one day the later one is kept, unless the
 * bucket has versions.
 *
 * <p>Given to dispatchers and workers. Thread-safe; the client stays the caller's to close. A
 * result is one {@code PutObject}, on the thread that delivers, and is given up after {@link
 * Builder#timeout}. The caller's role needs {@code s3:PutObject} on the prefix, and {@code
 * kms:GenerateDataKey} where a key is named or is the bucket's default. Nothing is ever deleted:
 * results may hold personal data, and the bucket should have a life-cycle rule.
 *
 * <p><b>Failure:</b> {@link ResultStoreException}, with the bucket and S3's code, without content.
 */
public final class S3ResultStore implements ResultStore {
  private final S3Client s3;
  private final String bucket;
  private final String prefix;
  private final Duration timeout;
  private final @Nullable ServerSideEncryption encryption;
  private final @Nullable String kmsKey;

  private S3ResultStore(Builder builder, String bucket) {
    this.s3 = builder.s3;
    this.bucket = bucket;
    this.prefix = builder.prefix;
    this.timeout = builder.timeout;
    this.encryption = builder.encryption;
    this.kmsKey = builder.kmsKey;
  }

  /**
   * Starts a store.
   *
   * @param s3 the client; not closed by the store
   * @return a builder; a bucket is required
   */
  public static Builder builder(S3Client s3) {
    return new Builder(s3);
  }

  @Override
  public void put(DeliveryResult result) {
    PutObjectRequest request =
        PutObjectRequest.builder()
            .bucket(bucket)
            .key(prefix + result.path())
            .contentType("application/json")
            .serverSideEncryption(encryption)
            .ssekmsKeyId(kmsKey)
            .overrideConfiguration(settings -> settings.apiCallTimeout(timeout))
            .build();
    try {
      s3.putObject(request, RequestBody.fromString(result.toJson()));
    } catch (SdkException e) {
      throw new ResultStoreException(
          "the result of message "
              + result.messageId()
              + " could not be put into bucket "
              + bucket
              + ": "
              + describe(e),
          e);
    }
  }

  private static String describe(SdkException e) {
    return e instanceof AwsServiceException answer && answer.awsErrorDetails() != null
        ? answer.awsErrorDetails().errorCode() + ", status " + answer.statusCode()
        : e.getClass().getSimpleName();
  }

  /** Sets up an {@link S3ResultStore}. Not thread-safe. */
  public static final class Builder {
    /** What S3 takes; an access point goes by its alias. */
    private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");

    private static final Pattern NO_BUCKET = Pattern.compile(".*\\.\\..*|[0-9]+(\\.[0-9]+){3}");

    private static final Pattern PREFIX = Pattern.compile("([A-Za-z0-9!_.*'()=-]+/)*");

    /** With the longest path behind it, a key is still one that S3 takes. */
    private static final int MAX_PREFIX = 400;

    private final S3Client s3;
    private @Nullable String bucket;
    private String prefix = "";
    private Duration timeout = Duration.ofSeconds(5);
    private @Nullable ServerSideEncryption encryption;
    private @Nullable String kmsKey;

    private Builder(S3Client s3) {
      this.s3 = requireNonNull(s3, "s3");
    }

    /**
     * The bucket. Required.
     *
     * @param bucket its name, or the alias of an access point
     * @return this builder
     * @throws IllegalArgumentException if S3 takes no such name
     */
    public Builder bucket(String bucket) {
      if (!BUCKET.matcher(requireNonNull(bucket, "bucket")).matches()
          || NO_BUCKET.matcher(bucket).matches()) {
        throw new IllegalArgumentException(
            "bucket must be 3 to 63 lower-case letters, digits, - and single dots, begin and end"
                + " with a letter or digit, and be no IP address, was '"
                + bucket
                + "'");
      }
      this.bucket = bucket;
      return this;
    }

    /**
     * What all keys begin with. Default nothing.
     *
     * @param prefix folders, each ending in a slash, such as {@code results/}; 400 characters at
     *     the most
     * @return this builder
     * @throws IllegalArgumentException if it is anything else
     */
    public Builder prefix(String prefix) {
      if (!PREFIX.matcher(requireNonNull(prefix, "prefix")).matches()
          || prefix.length() > MAX_PREFIX) {
        throw new IllegalArgumentException(
            "prefix must be at most "
                + MAX_PREFIX
                + " letters, digits and !_.*'()=- in folders that each end in /, was '"
                + prefix
                + "'");
      }
      this.prefix = prefix;
      return this;
    }

    /**
     * Asks S3 to encrypt with a key of KMS ({@code aws:kms}). By default the bucket's own setting
     * counts.
     *
     * @param key its id, ARN or alias
     * @return this builder
     * @throws IllegalArgumentException if it is blank
     */
    public Builder encryptWithKms(String key) {
      if (requireNonNull(key, "key").isBlank()) {
        throw new IllegalArgumentException("key must be the id, ARN or alias of a key, was blank");
      }
      encryption = ServerSideEncryption.AWS_KMS;
      kmsKey = key;
      return this;
    }

    /**
     * Asks S3 to encrypt with keys of its own ({@code AES256}). By default the bucket's own setting
     * counts.
     *
     * @return this builder
     */
    public Builder encryptWithAes256() {
      encryption = ServerSideEncryption.AES256;
      kmsKey = null;
      return this;
    }

    /**
     * The longest a result may take, retries of the client included: the thread that delivers waits
     * for it. Default 5 s.
     *
     * @param timeout the time, more than zero
     * @return this builder
     * @throws IllegalArgumentException if it is not
     */
    public Builder timeout(Duration timeout) {
      if (requireNonNull(timeout, "timeout").isNegative() || timeout.isZero()) {
        throw new IllegalArgumentException("timeout must be more than zero, was " + timeout);
      }
      this.timeout = timeout;
      return this;
    }

    /**
     * {@return the store; S3 is first reached by the first result}
     *
     * @throws IllegalStateException if no bucket was set
     */
    public S3ResultStore build() {
      if (bucket == null) {
        throw new IllegalStateException("bucket must be set: where the results go");
      }
      return new S3ResultStore(this, bucket);
    }
  }
}
