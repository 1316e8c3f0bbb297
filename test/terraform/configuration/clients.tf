# As in the registry's first example.
resource "aws_cognito_user_pool_client" "bare" {
  name         = var.changed ? "application" : "client"
  user_pool_id = aws_cognito_user_pool.growing.id
}

# Every attribute that can change.
resource "aws_cognito_user_pool_client" "every" {
  name                                          = "every"
  user_pool_id                                  = aws_cognito_user_pool.every.id
  access_token_validity                         = var.changed ? 30 : 1
  allowed_oauth_flows                           = var.changed ? ["code"] : ["code", "implicit"]
  allowed_oauth_flows_user_pool_client          = true
  allowed_oauth_scopes                          = var.changed ? ["openid", "profile", "phone"] : ["email", "openid"]
  auth_session_validity                         = var.changed ? 15 : 5
  callback_urls                                 = var.changed ? ["https://example.com/b", "https://example.com/a"] : ["https://example.com/c"]
  default_redirect_uri                          = var.changed ? "https://example.com/a" : "https://example.com/c"
  enable_propagate_additional_user_context_data = !var.changed
  enable_token_revocation                       = var.changed
  explicit_auth_flows                           = var.changed ? ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH"] : ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"]
  generate_secret                               = true
  id_token_validity                             = var.changed ? 40 : 2
  logout_urls                                   = var.changed ? ["https://example.com/out"] : ["https://example.com/z", "https://example.com/bye"]
  prevent_user_existence_errors                 = var.changed ? "LEGACY" : "ENABLED"
  read_attributes                               = var.changed ? ["email", "name", "custom:level"] : ["email"]
  refresh_token_validity                        = var.changed ? 120 : 60
  supported_identity_providers                  = ["COGNITO"]
  write_attributes                              = var.changed ? ["email", "gender", "locale"] : ["email"]

  analytics_configuration {
    application_id   = var.changed ? "0a1b2c" : "7ba1d3"
    external_id      = var.changed ? "other_id" : "some_id"
    role_arn         = "${local.role}/analytics-${var.changed}"
    user_data_shared = !var.changed
  }
  refresh_token_rotation {
    feature                    = var.changed ? "ENABLED" : "DISABLED"
    retry_grace_period_seconds = var.changed ? 10 : 0
  }
  token_validity_units {
    access_token  = var.changed ? "minutes" : "hours"
    id_token      = var.changed ? "minutes" : "hours"
    refresh_token = var.changed ? "hours" : "days"
  }

  # No answer says how the secret came about, so an imported client would be replaced.
  lifecycle {
    ignore_changes = [generate_secret]
  }
}

# What modules make of variables that nobody set; the change sets them, and the other way round.
resource "aws_cognito_user_pool_client" "empty_lists" {
  for_each = toset(["filled", "emptied"])

  name                                 = each.key
  user_pool_id                         = aws_cognito_user_pool.growing.id
  allowed_oauth_flows                  = (each.key == "filled") == var.changed ? ["code"] : []
  allowed_oauth_flows_user_pool_client = (each.key == "filled") == var.changed
  allowed_oauth_scopes                 = (each.key == "filled") == var.changed ? ["openid"] : []
  callback_urls                        = (each.key == "filled") == var.changed ? ["https://example.com/cb"] : []
  explicit_auth_flows                  = (each.key == "filled") == var.changed ? ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] : []
  generate_secret                      = false
  logout_urls                          = (each.key == "filled") == var.changed ? ["https://example.com/out"] : []
  read_attributes                      = (each.key == "filled") == var.changed ? ["email"] : []
  supported_identity_providers         = (each.key == "filled") == var.changed ? ["COGNITO"] : []
  write_attributes                     = (each.key == "filled") == var.changed ? ["email"] : []

  # No answer says how the secret came about, so an imported client would be replaced.
  lifecycle {
    ignore_changes = [generate_secret]
  }
}

# Values from before ALLOW_*, in the order that people write them; machines that sign in for themselves.
resource "aws_cognito_user_pool_client" "older" {
  name                = "older"
  user_pool_id        = aws_cognito_user_pool.growing.id
  generate_secret     = true
  explicit_auth_flows = var.changed ? ["CUSTOM_AUTH_FLOW_ONLY", "ADMIN_NO_SRP_AUTH"] : ["ADMIN_NO_SRP_AUTH"]

  analytics_configuration {
    application_arn  = "arn:aws:mobiletargeting:us-east-1:123456789012:apps/${var.changed ? "0a1b2c" : "7ba1d3"}"
    user_data_shared = false
  }

  # No answer says how the secret came about, so an imported client would be replaced.
  lifecycle {
    ignore_changes = [generate_secret]
  }
}

resource "aws_cognito_user_pool_client" "machine" {
  name                                 = "machine"
  user_pool_id                         = aws_cognito_user_pool.growing.id
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = aws_cognito_resource_server.weather.scope_identifiers

  # No answer says how the secret came about, so an imported client would be replaced.
  lifecycle {
    ignore_changes = [generate_secret]
  }
}

resource "aws_cognito_managed_user_pool_client" "search" {
  name_prefix                                   = "AmazonOpenSearchService-example-"
  user_pool_id                                  = var.others_pool
  access_token_validity                         = var.changed ? 30 : 1
  allowed_oauth_flows                           = var.changed ? ["code"] : ["code", "implicit"]
  allowed_oauth_flows_user_pool_client          = true
  allowed_oauth_scopes                          = var.changed ? ["openid", "profile"] : ["email", "openid"]
  auth_session_validity                         = var.changed ? 15 : 5
  callback_urls                                 = var.changed ? ["https://example.com/b", "https://example.com/a"] : ["https://example.com/c"]
  default_redirect_uri                          = var.changed ? "https://example.com/a" : "https://example.com/c"
  enable_propagate_additional_user_context_data = !var.changed
  enable_token_revocation                       = var.changed
  explicit_auth_flows                           = var.changed ? ["ALLOW_USER_SRP_AUTH"] : ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  id_token_validity                             = var.changed ? 40 : 2
  logout_urls                                   = var.changed ? ["https://example.com/out"] : ["https://example.com/bye"]
  prevent_user_existence_errors                 = var.changed ? "ENABLED" : "LEGACY"
  read_attributes                               = var.changed ? ["email", "name"] : ["email"]
  refresh_token_validity                        = var.changed ? 120 : 60
  supported_identity_providers                  = ["COGNITO"]
  write_attributes                              = var.changed ? ["email", "gender"] : ["email"]

  analytics_configuration {
    application_id   = var.changed ? "0a1b2c" : "7ba1d3"
    external_id      = var.changed ? "other_id" : "some_id"
    role_arn         = "${local.role}/analytics-${var.changed}"
    user_data_shared = !var.changed
  }
  token_validity_units {
    access_token  = var.changed ? "minutes" : "hours"
    id_token      = var.changed ? "minutes" : "hours"
    refresh_token = var.changed ? "hours" : "days"
  }
}

resource "aws_cognito_managed_user_pool_client" "by_pattern" {
  name_pattern = "^AmazonOpenSearchService-other-(\\w+)$"
  user_pool_id = var.others_pool
}
