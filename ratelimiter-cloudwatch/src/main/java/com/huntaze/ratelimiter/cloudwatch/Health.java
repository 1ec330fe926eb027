package com.huntaze.ratelimiter.cloudwatch;

import java.util.Set;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.services.cloudwatch.model.InvalidParameterCombinationException;
import software.amazon.awssdk.services.cloudwatch.model.InvalidParameterValueException;
import software.amazon.awssdk.services.cloudwatch.model.MissingRequiredParameterException;

/** How CloudWatch takes what it is sent. */
enum Health {
  /** It takes it. */
  WELL,
  /** It is down, overloaded or too slow: worth another try soon. */
  DOWN,
  /** It refuses the caller: not worth another try before the next interval. */
  REFUSING,
  /** It refuses the data themselves: they are never worth another try. */
  INVALID;

  private static final Set<String> INVALID_CODES =
      Set.of("ValidationError", "ValidationException", "InvalidFormat", "SerializationException");

  private static final int REQUEST_TIMEOUT = 408;
  private static final int TOO_LARGE = 413;

  static Health after(Throwable fault) {
    if (!(fault instanceof AwsServiceException answer)) {
      return DOWN;
    }
    int status = answer.statusCode();
    if (answer.isThrottlingException() || status == REQUEST_TIMEOUT || status >= 500) {
      return DOWN;
    }
    boolean invalid =
        answer instanceof InvalidParameterValueException
            || answer instanceof InvalidParameterCombinationException
            || answer instanceof MissingRequiredParameterException
            || status == TOO_LARGE
            || INVALID_CODES.contains(code(answer));
    return invalid ? INVALID : REFUSING;
  }

  /** {@return the fault without its text, which may quote what was sent} */
  static String describe(Throwable fault) {
    return fault instanceof AwsServiceException answer
        ? code(answer) + ", status " + answer.statusCode()
        : fault.getClass().getName();
  }

  private static String code(AwsServiceException answer) {
    return answer.awsErrorDetails() == null || answer.awsErrorDetails().errorCode() == null
        ? answer.getClass().getSimpleName()
        : answer.awsErrorDetails().errorCode();
  }
}
