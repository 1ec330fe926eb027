# A whole plan without an account: `terraform init -backend=false && terraform test`. The zip need only be there.

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_data {
  target = data.aws_availability_zones.available
  values = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
}

override_data {
  target = data.aws_secretsmanager_secret_version.redis_auth_token
  values = { secret_string = "sixteen-characters-and-more" }
}

variables {
  api_url                     = "https://api.example.com"
  api_key_secret_arn          = "arn:aws:secretsmanager:us-east-1:000000000000:secret:api-key-abcdef"
  database_url_secret_arn     = "arn:aws:secretsmanager:us-east-1:000000000000:secret:database-abcdef"
  redis_auth_token_secret_arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:redis-abcdef"
  lambda_zip                  = "tests/plan.tftest.hcl"
  worker_image                = "000000000000.dkr.ecr.us-east-1.amazonaws.com/worker:1"
  worker_repository_arn       = "arn:aws:ecr:us-east-1:000000000000:repository/worker"
  database_cidr_blocks        = ["10.0.0.0/16"]
}

run "a_whole_deployment_can_be_planned" {
  command = plan

  plan_options {
    refresh = false
  }
}

run "without_a_nat_gateway_too" {
  command = plan

  variables {
    egress       = "proxy"
    egress_proxy = { host = "10.1.2.3", port = 3128, cidr = "10.1.2.0/24" }
  }

  plan_options {
    refresh = false
  }
}
