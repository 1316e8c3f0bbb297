# Provider 5.100 wants to remove every detail that Cognito adds and the configuration does not have: these have them all.
resource "aws_cognito_identity_provider" "google" {
  user_pool_id  = aws_cognito_user_pool.people.id
  provider_name = "Google"
  provider_type = "Google"

  provider_details = {
    attributes_url                = "https://people.googleapis.com/v1/people/me?personFields="
    attributes_url_add_attributes = "true"
    authorize_scopes              = var.changed ? "email" : "email profile openid"
    authorize_url                 = "https://accounts.google.com/o/oauth2/v2/auth"
    client_id                     = "1example23456789.apps.googleusercontent.com"
    client_secret                 = var.changed ? "second" : "first"
    oidc_issuer                   = "https://accounts.google.com"
    token_request_method          = "POST"
    token_url                     = "https://www.googleapis.com/oauth2/v4/token"
  }
  attribute_mapping = var.changed ? { email = "email", name = "name", username = "sub" } : { email = "email", username = "sub" }
}

resource "aws_cognito_identity_provider" "oidc" {
  user_pool_id    = aws_cognito_user_pool.people.id
  provider_name   = "Corporate"
  provider_type   = "OIDC"
  idp_identifiers = var.changed ? ["corp.example.org", "corp.example.com"] : ["corp.example.com"]

  provider_details = {
    attributes_request_method     = var.changed ? "POST" : "GET"
    attributes_url                = "https://auth.example.com/userInfo"
    attributes_url_add_attributes = "false"
    authorize_scopes              = "openid profile"
    authorize_url                 = "https://auth.example.com/authorize"
    client_id                     = "1example23456789"
    client_secret                 = "provider-app-client-secret"
    jwks_uri                      = "https://auth.example.com/.well-known/jwks.json"
    oidc_issuer                   = "https://auth.example.com"
    token_url                     = "https://auth.example.com/token"
  }
}

resource "aws_cognito_identity_provider" "saml" {
  user_pool_id      = aws_cognito_user_pool.people.id
  provider_name     = "Campus"
  provider_type     = "SAML"
  attribute_mapping = var.changed ? { email = "mail", "custom:team" = "ou" } : { email = "mail" }

  provider_details = {
    EncryptedResponses      = var.changed ? "true" : "false"
    MetadataFile            = file("${path.module}/saml-metadata.xml")
    RequestSigningAlgorithm = "rsa-sha256"
    SLORedirectBindingURI   = "https://saml.example/slo"
    SSORedirectBindingURI   = "https://saml.example/sso"
  }

  # Only the server knows it.
  lifecycle {
    ignore_changes = [provider_details["ActiveEncryptionCertificate"]]
  }
}

resource "aws_cognito_user_pool_client" "federated" {
  name                         = var.changed ? "federated-2" : "federated"
  user_pool_id                 = aws_cognito_user_pool.people.id
  supported_identity_providers = var.changed ? [aws_cognito_identity_provider.saml.provider_name] : ["COGNITO", aws_cognito_identity_provider.google.provider_name, aws_cognito_identity_provider.oidc.provider_name]
}

data "aws_cognito_user_pool_signing_certificate" "others" {
  user_pool_id = var.others_pool
}
