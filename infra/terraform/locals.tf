locals {
  function_name = "huntaze-rate-limiter"
  worker_name   = "huntaze-onlyfans-scraper"

  log_retention_by_environment = {
    production  = 90
    staging     = 30
    development = 7
  }
  log_retention_days = coalesce(var.log_retention_days, local.log_retention_by_environment[var.environment])

  # A worker without a permit has nothing to do: more of them than permits cannot send more.
  worker_max_count = min(var.worker_max_count, var.rate_limit.permits)

  # AWS itself is reached by the endpoints, without the proxy.
  worker_java_options = var.egress_proxy == null ? "" : "-Dhttps.proxyHost=${var.egress_proxy.host} -Dhttps.proxyPort=${var.egress_proxy.port} -Dhttp.nonProxyHosts=*.amazonaws.com|169.254.*|127.*|localhost"

  account_root = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"
}
