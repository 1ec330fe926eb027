# The first three are the platform's own, on the fields that function and worker log.
resource "aws_cloudwatch_query_definition" "rate_limit_decisions" {
  name            = "ratelimiter-${var.environment}/Rate Limit Decisions"
  log_group_names = [aws_cloudwatch_log_group.function.name]

  query_string = <<-EOT
    fields @timestamp, @message
    | filter @message like /Token bucket result/
    | parse @message /allowed: (?<allowed>\w+), retryAfter: (?<retry>\d+), remainingTokens: (?<tokens>\d+)/
    | stats count() by allowed
  EOT
}

resource "aws_cloudwatch_query_definition" "scraping_performance" {
  name            = "ratelimiter-${var.environment}/Scraping Performance"
  log_group_names = [aws_cloudwatch_log_group.worker.name]

  query_string = <<-EOT
    fields @timestamp, duration_ms, creator_id, action, status
    | filter status = "success"
    | stats avg(duration_ms) as avg_duration, max(duration_ms) as max_duration, count() as total by action
  EOT
}

resource "aws_cloudwatch_query_definition" "error_analysis" {
  name            = "ratelimiter-${var.environment}/Error Analysis"
  log_group_names = [aws_cloudwatch_log_group.worker.name]

  query_string = <<-EOT
    fields @timestamp, error.type, error.message, creator_id
    | filter status = "failure"
    | stats count() as failures by error.type
    | sort failures desc
  EOT
}

resource "aws_cloudwatch_query_definition" "slowest_waits" {
  name            = "ratelimiter-${var.environment}/Slowest Waits"
  log_group_names = [aws_cloudwatch_log_group.worker.name]

  query_string = <<-EOT
    fields @timestamp, message_id, creator_id, queue_wait_time_ms, total_time_ms
    | filter ispresent(queue_wait_time_ms)
    | sort queue_wait_time_ms desc
    | limit 50
  EOT
}

# Put the id into the first filter.
resource "aws_cloudwatch_query_definition" "one_message" {
  name            = "ratelimiter-${var.environment}/One Message"
  log_group_names = [aws_cloudwatch_log_group.function.name, aws_cloudwatch_log_group.worker.name]

  query_string = <<-EOT
    fields @timestamp, @log, level, message, status, error.type
    | filter messageId = "ID" or message_id = "ID"
    | sort @timestamp asc
  EOT
}

resource "aws_cloudwatch_query_definition" "warnings" {
  name            = "ratelimiter-${var.environment}/Warnings"
  log_group_names = [aws_cloudwatch_log_group.function.name, aws_cloudwatch_log_group.worker.name]

  query_string = <<-EOT
    fields @timestamp, @log, level, logger, message
    | filter level = "WARN" or level = "ERROR"
    | stats count() as lines, latest(@timestamp) as last by logger, message
    | sort lines desc
  EOT
}
