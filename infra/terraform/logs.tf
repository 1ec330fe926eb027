resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = local.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

resource "aws_cloudwatch_log_group" "worker" {
  name              = "/huntaze/${var.environment}/onlyfans-scraper"
  retention_in_days = local.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}
