package com.huntaze.ratelimiter.sqs;

import software.amazon.awssdk.core.exception.SdkClientException;

/** Neither the settings nor the SDK's own providers have credentials. */
final class NoCredentialsException extends SdkClientException {
  private static final long serialVersionUID = 1L;

  NoCredentialsException(Throwable cause) {
    super(SdkClientException.builder().message("there are no AWS credentials").cause(cause));
  }
}
