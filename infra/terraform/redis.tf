resource "aws_elasticache_subnet_group" "this" {
  name       = "ratelimiter-${var.environment}"
  subnet_ids = aws_subnet.private[*].id
}

# An evicted key is a forgotten permit: a full Redis had better refuse. A primary that no replica
# follows had better refuse, too, than grant what a failover forgets.
resource "aws_elasticache_parameter_group" "this" {
  name   = "ratelimiter-${var.environment}"
  family = "redis7"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  parameter {
    name  = "min-replicas-to-write"
    value = "1"
  }

  parameter {
    name  = "min-replicas-max-lag"
    value = "10"
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = "ratelimiter-${var.environment}"
  description                = "Permits of the rate limiter"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.redis_node_type
  port                       = 6379
  num_cache_clusters         = 1 + var.redis_replica_count
  automatic_failover_enabled = true
  multi_az_enabled           = true
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.redis.id]

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.this.arn

  # ROTATE leaves the old token valid beside the new one until the next rotation.
  auth_token                 = data.aws_secretsmanager_secret_version.redis_auth_token.secret_string
  auth_token_update_strategy = "ROTATE"

  # A restored backup would be a past that did not see the last permits.
  snapshot_retention_limit   = 0
  auto_minor_version_upgrade = true
}
