# One environment: copy it, and set the variables in terraform.tfvars.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # Keep the state encrypted and private: it holds the Redis AUTH token.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      service     = "onlyfans-rate-limiter"
      environment = var.environment
    }
  }
}

data "aws_secretsmanager_secret" "api_key" {
  name = "onlyfans/api-key"
}

data "aws_secretsmanager_secret" "database_url" {
  name = "onlyfans/database-url"
}

data "aws_secretsmanager_secret" "redis_auth_token" {
  name = "redis/auth-token"
}

data "aws_ecr_repository" "worker" {
  name = "huntaze/onlyfans-scraper"
}

module "rate_limiter" {
  source = "../"

  environment = var.environment
  rate_limit  = { permits = 10, window_seconds = 60 }

  api_url                     = var.api_url
  api_key_secret_arn          = data.aws_secretsmanager_secret.api_key.arn
  database_url_secret_arn     = data.aws_secretsmanager_secret.database_url.arn
  redis_auth_token_secret_arn = data.aws_secretsmanager_secret.redis_auth_token.arn

  lambda_zip            = var.lambda_zip
  worker_image          = "${data.aws_ecr_repository.worker.repository_url}:${var.worker_version}"
  worker_repository_arn = data.aws_ecr_repository.worker.arn

  database_cidr_blocks = var.database_cidr_blocks

  warning_emails  = var.warning_emails
  critical_emails = var.critical_emails
}

# Addresses and names, no secret: what hosts are set to, and the runbook's commands take.
output "rate_limiter" {
  description = "All that the module says of itself."
  value       = module.rate_limiter
}
