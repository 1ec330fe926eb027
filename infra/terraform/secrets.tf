data "aws_secretsmanager_secret_version" "redis_auth_token" {
  secret_id = var.redis_auth_token_secret_arn
}

resource "aws_secretsmanager_secret_rotation" "api_key" {
  count               = var.api_key_rotation_function_arn == null ? 0 : 1
  secret_id           = var.api_key_secret_arn
  rotation_lambda_arn = var.api_key_rotation_function_arn

  rotation_rules {
    automatically_after_days = 90
  }
}
