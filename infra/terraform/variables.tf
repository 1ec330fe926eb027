variable "environment" {
  description = "The dimension of all metrics, and how long logs are kept."
  type        = string
  default     = "production"

  validation {
    condition     = contains(["production", "staging", "development"], var.environment)
    error_message = "environment must be production, staging or development."
  }
}

variable "entry_queue_name" {
  description = "The standard queue that clients send to."
  type        = string
  default     = "huntaze-rate-limiter-queue"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,75}$", var.entry_queue_name))
    error_message = "entry_queue_name must be 1 to 75 letters, digits, - or _; a standard queue's name has no .fifo."
  }
}

variable "workflow_queue_name" {
  description = "The FIFO queue that workers take from, without .fifo."
  type        = string
  default     = "huntaze-hybrid-workflows"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,70}$", var.workflow_queue_name))
    error_message = "workflow_queue_name must be 1 to 70 letters, digits, - or _; .fifo is added."
  }
}

variable "rate_limit" {
  description = "How many calls the external API takes in which window, across everything."
  type = object({
    permits        = number
    window_seconds = number
  })
  default = {
    permits        = 10
    window_seconds = 60
  }

  validation {
    condition = (
      var.rate_limit.permits >= 1 && floor(var.rate_limit.permits) == var.rate_limit.permits &&
      var.rate_limit.window_seconds >= 1 && floor(var.rate_limit.window_seconds) == var.rate_limit.window_seconds
    )
    error_message = "rate_limit must be whole numbers: at least one permit, and a window of at least a second."
  }
}

variable "api_url" {
  description = "The external API's base URL."
  type        = string

  validation {
    condition     = can(regex("^https://[^/\\s]+", var.api_url))
    error_message = "api_url must begin with https:// and have a host."
  }
}

variable "api_user_agent" {
  description = "What the worker calls itself; blank for the SDK's own."
  type        = string
  default     = ""
}

variable "api_key_secret_arn" {
  description = "The secret whose value is the external API's key."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:", var.api_key_secret_arn))
    error_message = "api_key_secret_arn must be the ARN of a secret of Secrets Manager."
  }
}

variable "api_key_rotation_function_arn" {
  description = "The function that rotates the API key every 90 days; null where it is rotated by hand."
  type        = string
  default     = null
}

variable "database_url_secret_arn" {
  description = "The secret whose value is DATABASE_URL, with user and password."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:", var.database_url_secret_arn))
    error_message = "database_url_secret_arn must be the ARN of a secret of Secrets Manager."
  }
}

variable "redis_auth_token_secret_arn" {
  description = "The secret whose value is the Redis AUTH token: 16 to 128 printable characters, none of / \" @ %. It must have a value before the first apply."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:", var.redis_auth_token_secret_arn))
    error_message = "redis_auth_token_secret_arn must be the ARN of a secret of Secrets Manager."
  }
}

variable "secrets_kms_key_arn" {
  description = "The KMS key the three secrets are encrypted with; null for the account's own aws/secretsmanager."
  type        = string
  default     = null
}

variable "lambda_zip" {
  description = "The path of ratelimiter-lambda-<version>.zip."
  type        = string
}

variable "lambda_runtime" {
  description = "The function's runtime."
  type        = string
  default     = "java17"

  validation {
    condition     = contains(["java17", "java21"], var.lambda_runtime)
    error_message = "lambda_runtime must be java17 or java21."
  }
}

variable "lambda_memory_mb" {
  description = "The function's memory, which is also its share of a processor."
  type        = number
  default     = 1024

  validation {
    condition     = var.lambda_memory_mb >= 512 && var.lambda_memory_mb <= 10240
    error_message = "lambda_memory_mb must be 512 to 10240."
  }
}

variable "worker_image" {
  description = "The worker's image, built for ARM64, by digest or tag."
  type        = string

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_.-]+)$", var.worker_image)) && !can(regex(":latest$", var.worker_image))
    error_message = "worker_image must be pinned by a digest or a tag of its own: latest moves."
  }
}

variable "worker_repository_arn" {
  description = "The ECR repository the image is pulled from."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:ecr:", var.worker_repository_arn))
    error_message = "worker_repository_arn must be the ARN of an ECR repository."
  }
}

variable "worker_min_count" {
  description = "The fewest workers. Not 0: the target is a depth, and fewer messages than that would wait for ever."
  type        = number
  default     = 1

  validation {
    condition     = var.worker_min_count >= 1 && var.worker_min_count <= 10 && floor(var.worker_min_count) == var.worker_min_count
    error_message = "worker_min_count must be a whole number from 1 to 10."
  }
}

variable "worker_max_count" {
  description = "The most workers; never more than the limit has permits."
  type        = number
  default     = 10

  validation {
    condition     = var.worker_max_count >= 1 && var.worker_max_count <= 10 && var.worker_max_count >= var.worker_min_count
    error_message = "worker_max_count must be 1 to 10, and no less than worker_min_count."
  }
}

variable "vpc_cidr" {
  description = "The addresses of the network that is made."
  type        = string
  default     = "10.42.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("/(1[6-9]|20)$", var.vpc_cidr))
    error_message = "vpc_cidr must be a network of /16 to /20."
  }
}

variable "egress" {
  description = "How the worker reaches the external API: nat, a NAT gateway of this network's, or proxy, a proxy of yours."
  type        = string
  default     = "nat"

  validation {
    condition     = contains(["nat", "proxy"], var.egress)
    error_message = "egress must be nat or proxy."
  }
}

variable "nat_gateway_count" {
  description = "2 keeps the way out when an availability zone fails; 1 costs half."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2], var.nat_gateway_count)
    error_message = "nat_gateway_count must be 1 or 2."
  }
}

variable "egress_proxy" {
  description = "Where the proxy is, if egress is proxy. The way to its addresses (peering, a transit gateway) is yours to make."
  type = object({
    host = string
    port = number
    cidr = string
  })
  default = null

  validation {
    condition     = (var.egress == "proxy") == (var.egress_proxy != null)
    error_message = "egress_proxy must be set if, and only if, egress is proxy."
  }
}

variable "database_cidr_blocks" {
  description = "The addresses of the worker's database."
  type        = list(string)

  validation {
    condition     = length(var.database_cidr_blocks) > 0 && !contains(var.database_cidr_blocks, "0.0.0.0/0")
    error_message = "database_cidr_blocks must name the database's addresses, and not all there are."
  }
}

variable "database_port" {
  description = "The database's port."
  type        = number
  default     = 5432

  validation {
    condition     = var.database_port >= 1 && var.database_port <= 65535 && floor(var.database_port) == var.database_port
    error_message = "database_port must be a whole number from 1 to 65535."
  }
}

variable "redis_node_type" {
  description = "The size of each Redis node."
  type        = string
  default     = "cache.t4g.micro"

  validation {
    condition     = startswith(var.redis_node_type, "cache.")
    error_message = "redis_node_type must be a node type of ElastiCache."
  }
}

variable "redis_replica_count" {
  description = "Replicas beside the primary. With one, writes stop while it is replaced; with two they go on."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_replica_count >= 1 && var.redis_replica_count <= 5
    error_message = "redis_replica_count must be 1 to 5: there is no failover without a replica."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept; null for 90, 30 or 7 days in production, staging or development."
  type        = number
  default     = null

  validation {
    condition     = var.log_retention_days == null ? true : contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "results_retention_days" {
  description = "How long results are kept in the bucket."
  type        = number
  default     = 90

  validation {
    condition     = var.results_retention_days >= 1
    error_message = "results_retention_days must be at least 1."
  }
}

variable "warning_emails" {
  description = "Who is told of warnings. A chat's webhook or a queue is subscribed to the topic of the outputs."
  type        = list(string)
  default     = []
}

variable "critical_emails" {
  description = "Who is told at any hour."
  type        = list(string)
  default     = []
}

variable "hourly_cost" {
  description = "Dollars an hour of one worker (70 % on Spot), and of everything that costs the same however much is sent: what the dashboard's cost widget multiplies and adds."
  type = object({
    worker = number
    fixed  = number
  })
  default = {
    worker = 0.020
    fixed  = 0.230
  }
}
