# What pools contain: domains, looks, resource servers, users and groups.
resource "aws_cognito_user_pool_domain" "prefix" {
  domain       = "example-domain"
  user_pool_id = aws_cognito_user_pool.growing.id
}

resource "aws_cognito_user_pool_domain" "custom" {
  domain                = "auth.example.com"
  certificate_arn       = "arn:aws:acm:us-east-1:123456789012:certificate/${var.changed ? "second" : "first"}"
  managed_login_version = var.changed ? 2 : 1
  user_pool_id          = aws_cognito_user_pool.every.id
}

resource "aws_cognito_user_pool_ui_customization" "client" {
  client_id    = aws_cognito_user_pool_client.every.id
  css          = ".label-customizable {font-weight: ${var.changed ? 700 : 400};}"
  image_file   = filebase64("${path.module}/logo-${var.changed ? 2 : 1}.png")
  user_pool_id = aws_cognito_user_pool_domain.custom.user_pool_id
}

resource "aws_cognito_user_pool_ui_customization" "all" {
  css          = var.changed ? ".label-customizable {font-weight: 700;}" : ".label-customizable {font-weight: 400;}"
  user_pool_id = aws_cognito_user_pool_domain.prefix.user_pool_id
}

resource "aws_cognito_resource_server" "every" {
  identifier   = "https://example.com"
  name         = "example"
  user_pool_id = aws_cognito_user_pool.growing.id

  dynamic "scope" {
    for_each = var.changed ? ["write", "admin"] : ["write", "list", "read"]
    content {
      scope_name        = scope.value
      scope_description = var.changed ? "May ${scope.value}" : "the scope ${scope.value}"
    }
  }
}

resource "aws_cognito_resource_server" "growing" {
  identifier   = "api"
  name         = "api"
  user_pool_id = aws_cognito_user_pool.growing.id

  dynamic "scope" {
    for_each = var.changed ? ["read"] : []
    content {
      scope_name        = scope.value
      scope_description = "a sample scope"
    }
  }
}

# Its scopes are those of a client, who would be changed by the next apply only: the provider learns them afterwards.
resource "aws_cognito_resource_server" "weather" {
  identifier   = "https://weather-read-app.com"
  name         = "weather-read"
  user_pool_id = aws_cognito_user_pool.growing.id

  scope {
    scope_name        = "weather.read"
    scope_description = "Read weather forecasts"
  }
  scope {
    scope_name        = "sample-scope-1"
    scope_description = "a sample scope"
  }
}

resource "aws_cognito_user" "bare" {
  user_pool_id = aws_cognito_user_pool.people.id
  username     = "example"
}

resource "aws_cognito_user" "every" {
  user_pool_id             = aws_cognito_user_pool.people.id
  username                 = "every"
  client_metadata          = { source = "terraform-${var.changed}" }
  desired_delivery_mediums = var.changed ? ["SMS"] : ["EMAIL"]
  enabled                  = !var.changed
  force_alias_creation     = !var.changed
  message_action           = var.changed ? null : "SUPPRESS"
  password                 = var.changed ? "Second-Passw0rd" : "First-Passw0rd"
  validation_data          = { source = "terraform-${var.changed}" }

  attributes = var.changed ? {
    terraform      = true
    email          = "second@example.com"
    email_verified = false
    team           = "b"
    } : {
    terraform      = true
    foo            = "bar"
    email          = "no-reply@example.com"
    email_verified = true
    name           = "Every One"
    team           = "a"
  }
}

resource "aws_cognito_user" "invited" {
  user_pool_id       = aws_cognito_user_pool.growing.id
  username           = "invited@example.com"
  attributes         = { email = "invited@example.com" }
  message_action     = "SUPPRESS"
  temporary_password = var.changed ? "Second-Passw0rd" : "First-Passw0rd"
}

resource "aws_cognito_user_group" "main" {
  name         = "user-group"
  user_pool_id = aws_cognito_user_pool.people.id
  description  = var.changed ? "Managed" : "Managed by Terraform"
  precedence   = var.changed ? 0 : 42
  role_arn     = "${local.role}/group-${var.changed}"
}

resource "aws_cognito_user_group" "bare" {
  for_each     = toset(["mygroup1", "mygroup2"])
  name         = each.key
  user_pool_id = aws_cognito_user_pool.people.id
}

# The change moves the user from one group to another.
resource "aws_cognito_user_in_group" "main" {
  user_pool_id = aws_cognito_user_pool.people.id
  group_name   = var.changed ? aws_cognito_user_group.bare["mygroup1"].name : aws_cognito_user_group.main.name
  username     = aws_cognito_user.every.username
}

data "aws_cognito_user_pools" "others" {
  name = "others"
}

data "aws_cognito_user_pool" "others" {
  user_pool_id = var.others_pool
}

data "aws_cognito_user_pool_clients" "others" {
  user_pool_id = var.others_pool
}

data "aws_cognito_user_pool_client" "others" {
  for_each     = toset(data.aws_cognito_user_pool_clients.others.client_ids)
  client_id    = each.key
  user_pool_id = var.others_pool
}

data "aws_cognito_user_groups" "others" {
  user_pool_id = var.others_pool
}

data "aws_cognito_user_group" "others" {
  name         = "staff"
  user_pool_id = var.others_pool
}
