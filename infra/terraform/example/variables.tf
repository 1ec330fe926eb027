variable "region" {
  description = "Where everything runs."
  type        = string
  default     = "us-east-1"
}

variable "environment" {
  description = "production, staging or development."
  type        = string
  default     = "production"
}

variable "api_url" {
  description = "The external API's base URL."
  type        = string
}

variable "lambda_zip" {
  description = "The path of the deployable that mvn package makes."
  type        = string
  default     = "../../../ratelimiter-lambda/target/ratelimiter-lambda-0.1.0-SNAPSHOT.zip"
}

variable "worker_version" {
  description = "The tag of the worker's image."
  type        = string
}

variable "database_cidr_blocks" {
  description = "The addresses of the worker's database."
  type        = list(string)
}

variable "warning_emails" {
  description = "Who is told of warnings."
  type        = list(string)
  default     = []
}

variable "critical_emails" {
  description = "Who is told at any hour."
  type        = list(string)
  default     = []
}
