resource "aws_ecs_cluster" "this" {
  name = "ratelimiter-${var.environment}"

  # RunningTaskCount and DesiredTaskCount come from here.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

resource "aws_ecs_task_definition" "worker" {
  family                   = local.worker_name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  execution_role_arn       = aws_iam_role.worker_execution.arn
  task_role_arn            = aws_iam_role.worker.arn

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([
    {
      name      = "worker"
      image     = var.worker_image
      essential = true

      # SIGTERM, then 120 s, the most that Fargate gives: the worker takes 110 of them.
      stopTimeout = 120

      # A blank one counts as unset.
      environment = [
        { name = "AWS_REGION", value = data.aws_region.current.region },
        { name = "ENVIRONMENT", value = var.environment },
        { name = "RATE_LIMIT", value = "${var.rate_limit.permits}/${var.rate_limit.window_seconds}s" },
        { name = "SQS_WORKFLOW_QUEUE", value = aws_sqs_queue.workflow.url },
        { name = "REDIS_URL", value = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379" },
        # Their names: the worker reads them itself, and again when they are rotated.
        { name = "ONLYFANS_API_KEY_SECRET", value = var.api_key_secret_arn },
        { name = "DATABASE_URL_SECRET", value = var.database_url_secret_arn },
        { name = "REDIS_AUTH_TOKEN_SECRET", value = var.redis_auth_token_secret_arn },
        { name = "ONLYFANS_API_URL", value = var.api_url },
        { name = "ONLYFANS_USER_AGENT", value = var.api_user_agent },
        { name = "WORKER_METRICS", value = "cloudwatch" },
        { name = "WORKER_RESULTS_BUCKET", value = aws_s3_bucket.results.bucket },
        { name = "WORKER_STOP_SECONDS", value = "110" },
        { name = "WORKER_HEALTH_PORT", value = "8080" },
        { name = "JAVA_TOOL_OPTIONS", value = local.worker_java_options },
      ]

      # The image's own, which ECS does not read.
      healthCheck = {
        command     = ["CMD", "java", "-XX:TieredStopAtLevel=1", "-Xmx32m", "-cp", "/app/classes", "com.huntaze.ratelimiter.examples.worker.HealthProbe"]
        interval    = 30
        timeout     = 5
        startPeriod = 30
        retries     = 3
      }

      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.worker.name
          awslogs-region        = data.aws_region.current.region
          awslogs-stream-prefix = "worker"

          # Logs that cannot be written must not hold up a delivery.
          mode            = "non-blocking"
          max-buffer-size = "25m"
        }
      }
    },
  ])
}

resource "aws_ecs_service" "worker" {
  name            = local.worker_name
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.worker.arn
  desired_count   = var.worker_min_count

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  enable_execute_command             = false

  capacity_provider_strategy {
    capacity_provider = "FARGATE_SPOT"
    weight            = 70
  }

  capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 30
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.private[*].id
    security_groups  = [aws_security_group.worker.id]
    assign_public_ip = false
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_ecs_cluster_capacity_providers.this, aws_iam_role_policy.worker, aws_iam_role_policy.worker_execution]
}

resource "aws_appautoscaling_target" "worker" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.worker.name}"
  min_capacity       = var.worker_min_count
  max_capacity       = local.worker_max_count
}

resource "aws_appautoscaling_policy" "worker" {
  name               = "workflow-depth"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.worker.service_namespace
  scalable_dimension = aws_appautoscaling_target.worker.scalable_dimension
  resource_id        = aws_appautoscaling_target.worker.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 100
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    customized_metric_specification {
      metrics {
        id          = "depth"
        label       = "Messages waiting, however hidden"
        expression  = "visible + hidden + delayed"
        return_data = true
      }

      metrics {
        id          = "visible"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesVisible"

            dimensions {
              name  = "QueueName"
              value = aws_sqs_queue.workflow.name
            }
          }
        }
      }

      metrics {
        id          = "hidden"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesNotVisible"

            dimensions {
              name  = "QueueName"
              value = aws_sqs_queue.workflow.name
            }
          }
        }
      }

      metrics {
        id          = "delayed"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesDelayed"

            dimensions {
              name  = "QueueName"
              value = aws_sqs_queue.workflow.name
            }
          }
        }
      }
    }
  }
}
