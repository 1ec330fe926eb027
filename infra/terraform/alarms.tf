# Two topics, since only one of them may wake somebody.
resource "aws_sns_topic" "warning" {
  name              = "ratelimiter-warning-${var.environment}"
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic" "critical" {
  name              = "ratelimiter-critical-${var.environment}"
  kms_master_key_id = aws_kms_key.this.arn
}

resource "aws_sns_topic_subscription" "warning" {
  count     = length(var.warning_emails)
  topic_arn = aws_sns_topic.warning.arn
  protocol  = "email"
  endpoint  = var.warning_emails[count.index]
}

resource "aws_sns_topic_subscription" "critical" {
  count     = length(var.critical_emails)
  topic_arn = aws_sns_topic.critical.arn
  protocol  = "email"
  endpoint  = var.critical_emails[count.index]
}

resource "aws_sns_topic_policy" "warning" {
  arn    = aws_sns_topic.warning.arn
  policy = data.aws_iam_policy_document.warning_topic.json
}

resource "aws_sns_topic_policy" "critical" {
  arn    = aws_sns_topic.critical.arn
  policy = data.aws_iam_policy_document.critical_topic.json
}

data "aws_iam_policy_document" "warning_topic" {
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.warning.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "critical_topic" {
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.critical.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

# The names are those of docs/operations.md, which says of each what to do.

# What is stored counts: in a total outage nothing is queued and nothing fails. A metric without a
# value in the period is 0, so that one that is missing does not silence the others.
resource "aws_cloudwatch_metric_alarm" "error_rate" {
  alarm_name          = "ratelimiter-error-rate-${var.environment}"
  alarm_description   = "More than 5 % of sends failed or had to be stored."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "rate"
    label       = "failed or stored, %"
    expression  = "IF(FILL(queued, 0) + FILL(failed, 0) + FILL(stored, 0) > 0, 100 * (FILL(failed, 0) + FILL(stored, 0)) / (FILL(queued, 0) + FILL(failed, 0) + FILL(stored, 0)), 0)"
    return_data = true
  }

  metric_query {
    id = "queued"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "MessagesQueued"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }

  metric_query {
    id = "failed"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "MessagesFailed"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }

  metric_query {
    id = "stored"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "MessagesStored"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }
}

# A booked message is hidden until its instant, and waits none the less.
resource "aws_cloudwatch_metric_alarm" "entry_depth" {
  alarm_name          = "ratelimiter-entry-depth-${var.environment}"
  alarm_description   = "More than 100 messages wait in the entry queue."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 100
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "depth"
    label       = "waiting, however hidden"
    expression  = "visible + hidden + delayed"
    return_data = true
  }

  metric_query {
    id = "visible"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry.name }
    }
  }

  metric_query {
    id = "hidden"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesNotVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry.name }
    }
  }

  metric_query {
    id = "delayed"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesDelayed"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "workflow_depth" {
  alarm_name          = "ratelimiter-workflow-depth-${var.environment}"
  alarm_description   = "More than 500 messages wait in the workflow queue."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 500
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "depth"
    label       = "waiting, however hidden"
    expression  = "visible + hidden + delayed"
    return_data = true
  }

  metric_query {
    id = "visible"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow.name }
    }
  }

  metric_query {
    id = "hidden"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesNotVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow.name }
    }
  }

  metric_query {
    id = "delayed"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesDelayed"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "lambda_errors_warning" {
  alarm_name          = "ratelimiter-lambda-errors-warning-${var.environment}"
  alarm_description   = "The function failed more than 10 times in 5 minutes."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  statistic           = "Sum"
  period              = 300
  dimensions          = { FunctionName = aws_lambda_function.rate_limiter.function_name }
}

resource "aws_cloudwatch_metric_alarm" "lambda_errors_critical" {
  alarm_name          = "ratelimiter-lambda-errors-critical-${var.environment}"
  alarm_description   = "The function failed more than 50 times in 5 minutes."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 50
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.critical.arn]
  ok_actions          = [aws_sns_topic.critical.arn]
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  statistic           = "Sum"
  period              = 300
  dimensions          = { FunctionName = aws_lambda_function.rate_limiter.function_name }
}

resource "aws_cloudwatch_metric_alarm" "lambda_throttles" {
  alarm_name          = "ratelimiter-lambda-throttles-${var.environment}"
  alarm_description   = "The function was throttled more than 10 times in 5 minutes."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]
  namespace           = "AWS/Lambda"
  metric_name         = "Throttles"
  statistic           = "Sum"
  period              = 300
  dimensions          = { FunctionName = aws_lambda_function.rate_limiter.function_name }
}

resource "aws_cloudwatch_metric_alarm" "oldest_message_warning" {
  alarm_name          = "ratelimiter-oldest-message-warning-${var.environment}"
  alarm_description   = "A message has waited longer than 10 minutes in one of the queues."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 600
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "age"
    label       = "oldest message, s"
    expression  = "MAX([FILL(entry, 0), FILL(workflow, 0)])"
    return_data = true
  }

  metric_query {
    id = "entry"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateAgeOfOldestMessage"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry.name }
    }
  }

  metric_query {
    id = "workflow"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateAgeOfOldestMessage"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "oldest_message_critical" {
  alarm_name          = "ratelimiter-oldest-message-critical-${var.environment}"
  alarm_description   = "A message has waited longer than 30 minutes in one of the queues."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 1800
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.critical.arn]
  ok_actions          = [aws_sns_topic.critical.arn]

  metric_query {
    id          = "age"
    label       = "oldest message, s"
    expression  = "MAX([FILL(entry, 0), FILL(workflow, 0)])"
    return_data = true
  }

  metric_query {
    id = "entry"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateAgeOfOldestMessage"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry.name }
    }
  }

  metric_query {
    id = "workflow"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateAgeOfOldestMessage"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters_many" {
  alarm_name          = "ratelimiter-dead-letters-many-${var.environment}"
  alarm_description   = "More than 100 messages were put aside."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 100
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.critical.arn]
  ok_actions          = [aws_sns_topic.critical.arn]

  metric_query {
    id          = "dead"
    label       = "dead letters"
    expression  = "FILL(entry, 0) + FILL(workflow, 0)"
    return_data = true
  }

  metric_query {
    id = "entry"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry_dead_letters.name }
    }
  }

  metric_query {
    id = "workflow"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow_dead_letters.name }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters_any" {
  alarm_name          = "ratelimiter-dead-letters-any-${var.environment}"
  alarm_description   = "A message was put aside, and will not be sent unless somebody decides so."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "dead"
    label       = "dead letters"
    expression  = "FILL(entry, 0) + FILL(workflow, 0)"
    return_data = true
  }

  metric_query {
    id = "entry"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.entry_dead_letters.name }
    }
  }

  metric_query {
    id = "workflow"

    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      stat        = "Maximum"
      period      = 300
      dimensions  = { QueueName = aws_sqs_queue.workflow_dead_letters.name }
    }
  }
}

# The metric is 100 for a delivered message and 0 for another: its average is the rate.
resource "aws_cloudwatch_metric_alarm" "worker_failure_rate" {
  alarm_name          = "ratelimiter-worker-failure-rate-${var.environment}"
  alarm_description   = "More than half of the messages failed at the worker for 10 minutes."
  comparison_operator = "LessThanThreshold"
  threshold           = 50
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.critical.arn]
  ok_actions          = [aws_sns_topic.critical.arn]
  namespace           = "Huntaze/OnlyFans"
  metric_name         = "scraping_success_rate"
  statistic           = "Average"
  period              = 300
  dimensions          = { Environment = var.environment }
}

# Of all answers: taken, 429, other 4xx, 5xx.
resource "aws_cloudwatch_metric_alarm" "api_5xx" {
  alarm_name          = "ratelimiter-api-5xx-${var.environment}"
  alarm_description   = "More than 20 % of the API's answers in 5 minutes were 5xx."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 20
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "rate"
    label       = "5xx, %"
    expression  = "IF(FILL(sent, 0) + FILL(limited, 0) + FILL(refused, 0) + FILL(failed, 0) > 0, 100 * FILL(failed, 0) / (FILL(sent, 0) + FILL(limited, 0) + FILL(refused, 0) + FILL(failed, 0)), 0)"
    return_data = true
  }

  metric_query {
    id = "sent"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "MessagesSent"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }

  metric_query {
    id = "limited"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "onlyfans_429_count"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }

  metric_query {
    id = "refused"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "onlyfans_4xx_count"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }

  metric_query {
    id = "failed"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "onlyfans_5xx_count"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "worker_cpu" {
  alarm_name          = "ratelimiter-worker-cpu-${var.environment}"
  alarm_description   = "The workers' processors were busier than 70 % for 10 minutes."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 70
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  statistic           = "Average"
  period              = 300
  dimensions          = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.worker.name }
}

resource "aws_cloudwatch_metric_alarm" "metrics_dropped" {
  alarm_name          = "ratelimiter-metrics-dropped-${var.environment}"
  alarm_description   = "Values of metrics were given up: the other alarms may be blind."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]
  namespace           = "Huntaze/OnlyFans"
  metric_name         = "MetricsDropped"
  statistic           = "Sum"
  period              = 300
  dimensions          = { Environment = var.environment }
}

resource "aws_cloudwatch_metric_alarm" "breaker_open" {
  alarm_name          = "ratelimiter-breaker-open-${var.environment}"
  alarm_description   = "A client's circuit breaker opened, or the workers paused after 429s in a row."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]

  metric_query {
    id          = "openings"
    label       = "openings"
    expression  = "FILL(client, 0) + FILL(worker, 0)"
    return_data = true
  }

  metric_query {
    id = "client"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "CircuitBreakerOpen"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }

  metric_query {
    id = "worker"

    metric {
      namespace   = "Huntaze/OnlyFans"
      metric_name = "circuit_breaker_open_count"
      stat        = "Sum"
      period      = 300
      dimensions  = { Environment = var.environment }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "limiter_closed" {
  alarm_name          = "ratelimiter-limiter-closed-${var.environment}"
  alarm_description   = "A limit's state was lost, and the limit was closed for a window."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.critical.arn]
  ok_actions          = [aws_sns_topic.critical.arn]
  namespace           = "Huntaze/OnlyFans"
  metric_name         = "LimiterClosed"
  statistic           = "Sum"
  period              = 300
  dimensions          = { Environment = var.environment }
}

resource "aws_cloudwatch_metric_alarm" "gate_retries" {
  alarm_name          = "ratelimiter-gate-retries-${var.environment}"
  alarm_description   = "The function gives messages back: Redis or the workflow queue does not answer it."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.critical.arn]
  ok_actions          = [aws_sns_topic.critical.arn]
  namespace           = "Huntaze/OnlyFans"
  metric_name         = "rate_limit_retried_count"
  statistic           = "Sum"
  period              = 300
  dimensions          = { Environment = var.environment }
}

resource "aws_cloudwatch_metric_alarm" "metrics_silent" {
  alarm_name          = "ratelimiter-metrics-silent-${var.environment}"
  alarm_description   = "No host told its metrics for 15 minutes: the other alarms are blind."
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.warning.arn]
  ok_actions          = [aws_sns_topic.warning.arn]
  namespace           = "Huntaze/OnlyFans"
  metric_name         = "QueueDepth"
  statistic           = "SampleCount"
  period              = 300
  dimensions          = { Environment = var.environment }
}
