# Templates, so that they stay JSON: pasted from CloudWatch's editor and back.
resource "aws_cloudwatch_dashboard" "rate_limiter" {
  dashboard_name = "OnlyFans-Rate-Limiter"
  dashboard_body = templatefile("${path.module}/dashboards/rate-limiter.json.tftpl", local.dashboard)
}

resource "aws_cloudwatch_dashboard" "scraper" {
  dashboard_name = "Huntaze-OnlyFans-Scraper"
  dashboard_body = templatefile("${path.module}/dashboards/scraper.json.tftpl", local.dashboard)
}

locals {
  dashboard = {
    environment           = var.environment
    region                = data.aws_region.current.region
    entry_queue           = aws_sqs_queue.entry.name
    entry_dead_letters    = aws_sqs_queue.entry_dead_letters.name
    workflow_queue        = aws_sqs_queue.workflow.name
    workflow_dead_letters = aws_sqs_queue.workflow_dead_letters.name
    function_name         = aws_lambda_function.rate_limiter.function_name
    cluster               = aws_ecs_cluster.this.name
    service               = aws_ecs_service.worker.name
    worker_hourly_cost    = var.hourly_cost.worker
    fixed_hourly_cost     = var.hourly_cost.fixed
  }
}
