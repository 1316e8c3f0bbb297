# Every attribute of aws_cognito_user_pool that can change.
resource "aws_cognito_user_pool" "every" {
  name                       = "every"
  alias_attributes           = ["email", "preferred_username"]
  auto_verified_attributes   = var.changed ? ["phone_number", "email"] : ["email"]
  deletion_protection        = var.changed ? "INACTIVE" : "ACTIVE"
  mfa_configuration          = var.changed ? "OPTIONAL" : "ON"
  sms_authentication_message = var.changed ? "{####} is your code" : "Your code is {####}"
  user_pool_tier             = var.changed ? "PLUS" : "ESSENTIALS"
  tags                       = var.changed ? { Owner = "platform", Terraform = "true" } : { Owner = "infra", Stage = "live" }

  account_recovery_setting {
    recovery_mechanism {
      name     = var.changed ? "verified_phone_number" : "verified_email"
      priority = 1
    }
    recovery_mechanism {
      name     = var.changed ? "verified_email" : "verified_phone_number"
      priority = 2
    }
  }

  admin_create_user_config {
    allow_admin_create_user_only = !var.changed
    invite_message_template {
      email_message = var.changed ? "Hello {username}: {####}" : "Dear {username}, your password is {####}."
      email_subject = var.changed ? "Hello" : "Your account"
      sms_message   = var.changed ? "{username}: {####}" : "Your username is {username} and your password {####}."
    }
  }

  device_configuration {
    challenge_required_on_new_device      = !var.changed
    device_only_remembered_on_user_prompt = var.changed
  }

  email_configuration {
    configuration_set      = var.changed ? "news" : "accounts"
    email_sending_account  = "DEVELOPER"
    from_email_address     = var.changed ? "no-reply@example.com" : "John Smith <john@example.com>"
    reply_to_email_address = var.changed ? "help@example.com" : "john@example.com"
    source_arn             = "arn:aws:ses:us-east-1:123456789012:identity/${var.changed ? "no-reply" : "john"}@example.com"
  }

  email_mfa_configuration {
    message = var.changed ? "{####} is your code" : "Your code is {####}"
    subject = var.changed ? "Code" : "Your code"
  }

  lambda_config {
    create_auth_challenge          = "${local.lambda}:create-${var.changed}"
    custom_message                 = "${local.lambda}:message-${var.changed}"
    define_auth_challenge          = "${local.lambda}:define-${var.changed}"
    kms_key_id                     = "arn:aws:kms:us-east-1:123456789012:key/${var.changed}"
    post_authentication            = "${local.lambda}:after-sign-in-${var.changed}"
    post_confirmation              = "${local.lambda}:after-confirmation-${var.changed}"
    pre_authentication             = "${local.lambda}:before-sign-in-${var.changed}"
    pre_sign_up                    = "${local.lambda}:before-sign-up-${var.changed}"
    user_migration                 = "${local.lambda}:migration-${var.changed}"
    verify_auth_challenge_response = "${local.lambda}:verify-${var.changed}"
    custom_email_sender {
      lambda_arn     = "${local.lambda}:mail-${var.changed}"
      lambda_version = "V1_0"
    }
    custom_sms_sender {
      lambda_arn     = "${local.lambda}:sms-${var.changed}"
      lambda_version = "V1_0"
    }
    pre_token_generation_config {
      lambda_arn     = "${local.lambda}:tokens-${var.changed}"
      lambda_version = var.changed ? "V3_0" : "V2_0"
    }
  }

  password_policy {
    minimum_length                   = var.changed ? 12 : 10
    password_history_size            = var.changed ? 3 : 5
    require_lowercase                = var.changed
    require_numbers                  = !var.changed
    require_symbols                  = !var.changed
    require_uppercase                = var.changed
    temporary_password_validity_days = var.changed ? 14 : 120
  }

  schema {
    name                = "email"
    attribute_data_type = "String"
    mutable             = true
    required            = true
    string_attribute_constraints {
      min_length = 7
      max_length = 255
    }
  }
  schema {
    name                = "level"
    attribute_data_type = "Number"
    mutable             = true
    number_attribute_constraints {
      min_value = 2
      max_value = 6
    }
  }
  schema {
    name                     = "registered"
    attribute_data_type      = "Boolean"
    developer_only_attribute = true
  }
  # Attributes can be added, and neither changed nor removed.
  dynamic "schema" {
    for_each = var.changed ? ["since", "team"] : ["since"]
    content {
      name                = schema.value
      attribute_data_type = schema.value == "since" ? "DateTime" : "String"
      mutable             = true
      dynamic "string_attribute_constraints" {
        for_each = schema.value == "since" ? [] : [1]
        content {}
      }
    }
  }

  sign_in_policy {
    allowed_first_auth_factors = var.changed ? ["PASSWORD", "WEB_AUTHN"] : ["PASSWORD"]
  }

  sms_configuration {
    external_id    = var.changed ? "other" : "example"
    sns_caller_arn = "${local.role}/sms-${var.changed}"
    sns_region     = var.changed ? "eu-central-1" : "us-east-1"
  }

  software_token_mfa_configuration {
    enabled = true
  }

  user_attribute_update_settings {
    attributes_require_verification_before_update = var.changed ? ["phone_number", "email"] : ["email"]
  }

  user_pool_add_ons {
    advanced_security_mode = var.changed ? "ENFORCED" : "AUDIT"
    advanced_security_additional_flows {
      custom_auth_mode = var.changed ? "AUDIT" : "ENFORCED"
    }
  }

  username_configuration {
    case_sensitive = false
  }

  verification_message_template {
    default_email_option  = var.changed ? "CONFIRM_WITH_LINK" : "CONFIRM_WITH_CODE"
    email_message         = var.changed ? "{####} is your code" : "Your code is {####}"
    email_message_by_link = var.changed ? "Please {##confirm##}" : "Please {##click here##}"
    email_subject         = var.changed ? "Code" : "Your code"
    email_subject_by_link = var.changed ? "Confirm" : "Please confirm"
    sms_message           = var.changed ? "{####} is your code" : "Your code is {####}"
  }

  web_authn_configuration {
    relying_party_id  = var.changed ? "accounts.example.com" : "example.com"
    user_verification = var.changed ? "required" : "preferred"
  }
}

# Blocks that appear only with the change: a pool as bare as the registry's first example, which grows.
resource "aws_cognito_user_pool" "growing" {
  name                       = "mypool"
  username_attributes        = ["email"]
  auto_verified_attributes   = var.changed ? ["email"] : null
  email_verification_message = var.changed ? "Your code is {####}" : null
  email_verification_subject = var.changed ? "Your code" : null
  mfa_configuration          = var.changed ? "OPTIONAL" : null
  sms_verification_message   = var.changed ? "Your code is {####}" : null
  tags                       = var.changed ? { Stage = "live" } : null

  dynamic "account_recovery_setting" {
    for_each = var.changed ? [1] : []
    content {
      recovery_mechanism {
        name     = "admin_only"
        priority = 1
      }
    }
  }
  dynamic "admin_create_user_config" {
    for_each = var.changed ? [1] : []
    content {
      allow_admin_create_user_only = true
    }
  }
  dynamic "device_configuration" {
    for_each = var.changed ? [1] : []
    content {
      device_only_remembered_on_user_prompt = true
    }
  }
  dynamic "email_configuration" {
    for_each = var.changed ? [1] : []
    content {
      email_sending_account = "COGNITO_DEFAULT"
    }
  }
  dynamic "lambda_config" {
    for_each = var.changed ? [1] : []
    content {
      pre_token_generation = "${local.lambda}:tokens"
    }
  }
  dynamic "password_policy" {
    for_each = var.changed ? [1] : []
    content {
      minimum_length = 8
    }
  }
  dynamic "sms_configuration" {
    for_each = var.changed ? [1] : []
    content {
      external_id    = "example"
      sns_caller_arn = "${local.role}/sms"
    }
  }
  dynamic "software_token_mfa_configuration" {
    for_each = var.changed ? [1] : []
    content {
      enabled = false
    }
  }
  dynamic "user_attribute_update_settings" {
    for_each = var.changed ? [1] : []
    content {
      attributes_require_verification_before_update = ["email"]
    }
  }
  dynamic "user_pool_add_ons" {
    for_each = var.changed ? [1] : []
    content {
      advanced_security_mode = "OFF"
    }
  }
}

# Blocks that the change removes, as modules do whose variables become null.
resource "aws_cognito_user_pool" "shrinking" {
  name                     = "shrinking"
  auto_verified_attributes = var.changed ? [] : ["email", "phone_number"]
  mfa_configuration        = var.changed ? "OFF" : "OPTIONAL"
  tags                     = var.changed ? {} : { Stage = "live" }

  username_configuration {
    case_sensitive = true
  }

  dynamic "account_recovery_setting" {
    for_each = var.changed ? [] : [1]
    content {
      recovery_mechanism {
        name     = "verified_phone_number"
        priority = 1
      }
    }
  }
  dynamic "admin_create_user_config" {
    for_each = var.changed ? [] : [1]
    content {
      allow_admin_create_user_only = true
    }
  }
  dynamic "email_configuration" {
    for_each = var.changed ? [] : [1]
    content {
      reply_to_email_address = "help@example.com"
    }
  }
  dynamic "password_policy" {
    for_each = var.changed ? [] : [1]
    content {
      minimum_length    = 6
      require_lowercase = false
    }
  }
  dynamic "sign_in_policy" {
    for_each = var.changed ? [] : [1]
    content {
      allowed_first_auth_factors = ["PASSWORD", "WEB_AUTHN"]
    }
  }
  dynamic "software_token_mfa_configuration" {
    for_each = var.changed ? [] : [1]
    content {
      enabled = true
    }
  }
  dynamic "verification_message_template" {
    for_each = var.changed ? [] : [1]
    content {
      default_email_option = "CONFIRM_WITH_LINK"
    }
  }
}

# As in the registry's example of a user with attributes.
resource "aws_cognito_user_pool" "people" {
  name = "people"

  schema {
    name                     = "terraform"
    attribute_data_type      = "Boolean"
    mutable                  = false
    required                 = false
    developer_only_attribute = false
  }
  schema {
    name                     = "foo"
    attribute_data_type      = "String"
    mutable                  = true
    required                 = false
    developer_only_attribute = false
    string_attribute_constraints {}
  }
  schema {
    name                = "team"
    attribute_data_type = "String"
    mutable             = true
    string_attribute_constraints {
      min_length = 1
      max_length = 64
    }
  }
}
