# The entry queue. What must wait is received again, so its count of receives says nothing: the
# function dead-letters by decision, and 1000 is for a message that breaks the function itself.
resource "aws_sqs_queue" "entry" {
  name                       = var.entry_queue_name
  visibility_timeout_seconds = 180 # six times the function's time-out
  message_retention_seconds  = 1209600
  receive_wait_time_seconds  = 20
  max_message_size           = 262144
  kms_master_key_id          = aws_kms_key.this.arn

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.entry_dead_letters.arn
    maxReceiveCount     = 1000
  })
}

resource "aws_sqs_queue" "entry_dead_letters" {
  name                      = "${var.entry_queue_name}-dlq"
  message_retention_seconds = 1209600
  receive_wait_time_seconds = 20
  max_message_size          = 262144
  kms_master_key_id         = aws_kms_key.this.arn
}

resource "aws_sqs_queue" "workflow" {
  name                        = "${var.workflow_queue_name}.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  visibility_timeout_seconds  = 300
  message_retention_seconds   = 1209600
  receive_wait_time_seconds   = 20
  max_message_size            = 262144
  kms_master_key_id           = aws_kms_key.this.arn

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.workflow_dead_letters.arn
    maxReceiveCount     = 3
  })
}

# A FIFO queue's dead letters need a FIFO queue.
resource "aws_sqs_queue" "workflow_dead_letters" {
  name                        = "${var.workflow_queue_name}-dlq.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  message_retention_seconds   = 1209600
  receive_wait_time_seconds   = 20
  max_message_size            = 262144
  kms_master_key_id           = aws_kms_key.this.arn
}

resource "aws_sqs_queue_redrive_allow_policy" "entry_dead_letters" {
  queue_url = aws_sqs_queue.entry_dead_letters.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.entry.arn]
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "workflow_dead_letters" {
  queue_url = aws_sqs_queue.workflow_dead_letters.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.workflow.arn]
  })
}

resource "aws_sqs_queue_policy" "entry" {
  queue_url = aws_sqs_queue.entry.id
  policy    = data.aws_iam_policy_document.entry_tls.json
}

resource "aws_sqs_queue_policy" "entry_dead_letters" {
  queue_url = aws_sqs_queue.entry_dead_letters.id
  policy    = data.aws_iam_policy_document.entry_dead_letters_tls.json
}

resource "aws_sqs_queue_policy" "workflow" {
  queue_url = aws_sqs_queue.workflow.id
  policy    = data.aws_iam_policy_document.workflow_tls.json
}

resource "aws_sqs_queue_policy" "workflow_dead_letters" {
  queue_url = aws_sqs_queue.workflow_dead_letters.id
  policy    = data.aws_iam_policy_document.workflow_dead_letters_tls.json
}

data "aws_iam_policy_document" "entry_tls" {
  statement {
    sid    = "TlsOnly"
    effect = "Deny"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:PurgeQueue",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [aws_sqs_queue.entry.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "entry_dead_letters_tls" {
  statement {
    sid    = "TlsOnly"
    effect = "Deny"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:PurgeQueue",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [aws_sqs_queue.entry_dead_letters.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "workflow_tls" {
  statement {
    sid    = "TlsOnly"
    effect = "Deny"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:PurgeQueue",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [aws_sqs_queue.workflow.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "workflow_dead_letters_tls" {
  statement {
    sid    = "TlsOnly"
    effect = "Deny"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueUrl",
      "sqs:PurgeQueue",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [aws_sqs_queue.workflow_dead_letters.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
