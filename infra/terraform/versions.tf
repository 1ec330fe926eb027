terraform {
  # 1.9 lets a variable's validation look at another variable.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  state = "available"

  # No local zone that the account has opted into: not every service is there.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}
