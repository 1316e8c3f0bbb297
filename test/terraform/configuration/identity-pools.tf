# Identity pools, the roles of their identities, and the claims that become tags of their sessions.
resource "aws_cognito_identity_pool" "every" {
  identity_pool_name               = "every setting"
  allow_classic_flow               = !var.changed
  allow_unauthenticated_identities = var.changed
  developer_provider_name          = "login.example.app"
  openid_connect_provider_arns     = var.changed ? ["${local.oidc}/other.example/tenant", "${local.oidc}/auth.example.com"] : ["${local.oidc}/auth.example.com"]
  saml_provider_arns               = ["${local.saml}/${var.changed ? "second" : "first"}"]

  cognito_identity_providers {
    client_id               = aws_cognito_user_pool_client.every.id
    provider_name           = aws_cognito_user_pool.every.endpoint
    server_side_token_check = var.changed
  }
  dynamic "cognito_identity_providers" {
    for_each = var.changed ? [] : ["further"]
    content {
      client_id     = "7lhlkkfbfb4q5kpp90urffao"
      provider_name = "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab129faBb"
    }
  }
  supported_login_providers = var.changed ? {
    "accounts.google.com" = "123456789012.apps.googleusercontent.com"
    } : {
    "accounts.google.com" = "987654321098.apps.googleusercontent.com"
    "graph.facebook.com"  = "7346241598935552"
  }
  tags = var.changed ? { team = "b", stage = "test" } : { team = "a" }
}

resource "aws_cognito_identity_pool" "bare" {
  identity_pool_name = "bare"
}

resource "aws_cognito_identity_pool_roles_attachment" "every" {
  identity_pool_id = aws_cognito_identity_pool.every.id
  # The provider replaces the attachment if these change.
  roles = {
    authenticated   = "${local.role}/all"
    unauthenticated = "${local.role}/guests"
  }
  role_mapping {
    identity_provider         = "graph.facebook.com"
    ambiguous_role_resolution = var.changed ? "Deny" : "AuthenticatedRole"
    type                      = "Rules"

    dynamic "mapping_rule" {
      for_each = var.changed ? ["staff", "paid"] : ["paid"]
      content {
        claim      = mapping_rule.value == "paid" ? "isAdmin" : "department"
        match_type = var.changed ? "StartsWith" : "Equals"
        role_arn   = "${local.role}/${mapping_rule.value}"
        value      = mapping_rule.value
      }
    }
  }
  dynamic "role_mapping" {
    for_each = var.changed ? ["${aws_cognito_user_pool.every.endpoint}:${aws_cognito_user_pool_client.every.id}"] : []
    content {
      identity_provider         = role_mapping.value
      ambiguous_role_resolution = "AuthenticatedRole"
      type                      = "Token"
    }
  }
}

resource "aws_cognito_identity_pool_roles_attachment" "bare" {
  identity_pool_id = aws_cognito_identity_pool.bare.id
  roles            = { unauthenticated = "${local.role}/bare" }
}

resource "aws_cognito_identity_pool_provider_principal_tag" "every" {
  identity_pool_id       = aws_cognito_identity_pool.every.id
  identity_provider_name = aws_cognito_user_pool.every.endpoint
  use_defaults           = var.changed
  principal_tags         = var.changed ? {} : { department = "custom:department", team = "custom:team" }
}

resource "aws_cognito_identity_pool_provider_principal_tag" "usual" {
  identity_pool_id       = aws_cognito_identity_pool.bare.id
  identity_provider_name = "graph.facebook.com"
  use_defaults           = true
}

data "aws_cognito_identity_pool" "others" {
  identity_pool_name = "others"
}

# Is opened by each command once the pool is there: its user gets an identity.
ephemeral "aws_cognito_identity_openid_token_for_developer_identity" "every" {
  identity_pool_id = aws_cognito_identity_pool.every.id
  logins           = { "login.example.app" = "someone" }
  token_duration   = 300
}
