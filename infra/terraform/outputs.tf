output "entry_queue_url" {
  description = "SQS_RATE_LIMITER_QUEUE of the hosts."
  value       = aws_sqs_queue.entry.url
}

output "workflow_queue_url" {
  description = "SQS_WORKFLOW_QUEUE."
  value       = aws_sqs_queue.workflow.url
}

output "entry_dead_letter_queue_url" {
  description = "Where the function puts aside what cannot be read."
  value       = aws_sqs_queue.entry_dead_letters.url
}

output "workflow_dead_letter_queue_url" {
  description = "Where the worker puts aside what it cannot deliver."
  value       = aws_sqs_queue.workflow_dead_letters.url
}

output "client_policy_arn" {
  description = "What a sending host's role needs."
  value       = aws_iam_policy.client.arn
}

output "results_bucket" {
  description = "Where results are kept."
  value       = aws_s3_bucket.results.bucket
}

output "redis_endpoint" {
  description = "Redis's primary, by TLS on port 6379."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "warning_topic_arn" {
  description = "Subscribe a chat to it."
  value       = aws_sns_topic.warning.arn
}

output "critical_topic_arn" {
  description = "Subscribe a pager to it."
  value       = aws_sns_topic.critical.arn
}

output "vpc_id" {
  description = "The network, for a peering with the database's or the proxy's."
  value       = aws_vpc.this.id
}

output "private_route_table_ids" {
  description = "Where the routes to database and proxy go."
  value       = aws_route_table.private[*].id
}

output "worker_security_group_id" {
  description = "Who may connect to the database."
  value       = aws_security_group.worker.id
}

output "nat_addresses" {
  description = "The addresses from which the external API is called; none where a proxy is used."
  value       = aws_eip.nat[*].public_ip
}

output "entry_queue_arn" {
  description = "The entry queue, for the commands of the runbook."
  value       = aws_sqs_queue.entry.arn
}

output "entry_dead_letter_queue_arn" {
  description = "Its dead-letter queue, for the commands of the runbook."
  value       = aws_sqs_queue.entry_dead_letters.arn
}

output "workflow_queue_arn" {
  description = "The workflow queue, for the commands of the runbook."
  value       = aws_sqs_queue.workflow.arn
}

output "workflow_dead_letter_queue_arn" {
  description = "Its dead-letter queue, for the commands of the runbook."
  value       = aws_sqs_queue.workflow_dead_letters.arn
}

output "function_name" {
  description = "FUNCTION of the runbook."
  value       = aws_lambda_function.rate_limiter.function_name
}

output "cluster_name" {
  description = "CLUSTER of the runbook."
  value       = aws_ecs_cluster.this.name
}

output "worker_service_name" {
  description = "WORKER of the runbook."
  value       = aws_ecs_service.worker.name
}
