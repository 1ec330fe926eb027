resource "aws_lambda_function" "rate_limiter" {
  function_name    = local.function_name
  description      = "Forwards messages that may go, books the others (${var.environment})"
  role             = aws_iam_role.function.arn
  filename         = var.lambda_zip
  source_code_hash = filebase64sha256(var.lambda_zip)
  handler          = "com.huntaze.ratelimiter.lambda.RateLimiterHandler::handleRequest"
  runtime          = var.lambda_runtime
  architectures    = ["arm64"]
  memory_size      = var.lambda_memory_mb
  timeout          = 30
  kms_key_arn      = aws_kms_key.this.arn
  publish          = true

  # No reserved concurrency: it throttles the poller, whose messages then count receives for nothing.

  snap_start {
    apply_on = "PublishedVersions"
  }

  vpc_config {
    subnet_ids         = aws_subnet.private[*].id
    security_group_ids = [aws_security_group.function.id]
  }

  environment {
    variables = {
      ENVIRONMENT             = var.environment
      RATE_LIMIT              = "${var.rate_limit.permits}/${var.rate_limit.window_seconds}s"
      SQS_RATE_LIMITER_QUEUE  = aws_sqs_queue.entry.url
      SQS_WORKFLOW_QUEUE      = aws_sqs_queue.workflow.url
      REDIS_URL               = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379"
      REDIS_AUTH_TOKEN_SECRET = var.redis_auth_token_secret_arn
      JAVA_TOOL_OPTIONS       = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    }
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

# Snapshots are of versions, so that the event source has to name one.
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.rate_limiter.function_name
  function_version = aws_lambda_function.rate_limiter.version
}

resource "aws_lambda_event_source_mapping" "entry" {
  event_source_arn        = aws_sqs_queue.entry.arn
  function_name           = aws_lambda_alias.live.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 2
  }
}
