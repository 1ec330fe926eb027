package com.huntaze.ratelimiter.s3;

import com.huntaze.ratelimiter.delivery.ResultStore;
import com.huntaze.ratelimiter.testkit.ResultStoreContract;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;

class S3ResultStoreContractTest extends ResultStoreContract {
  @RegisterExtension static final LocalS3 S3 = LocalS3.shared();

  private S3Client client;
  private String bucket;

  @BeforeEach
  void connect() {
    client = LocalS3.client(S3.address());
    bucket = LocalS3.newBucket(client);
  }

  @AfterEach
  void disconnect() {
    client.close();
  }

  @Override
  protected ResultStore newStore() {
    return S3ResultStore.builder(client).bucket(bucket).prefix("worker/results/").build();
  }

  @Override
  protected Optional<String> read(ResultStore store, String path) {
    try {
      return Optional.of(
          client
              .getObjectAsBytes(request -> request.bucket(bucket).key("worker/results/" + path))
              .asUtf8String());
    } catch (NoSuchKeyException e) {
      return Optional.empty();
    }
  }
}
