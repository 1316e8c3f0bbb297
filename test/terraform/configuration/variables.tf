# Applied as it is, and then with every attribute changed.
variable "changed" {
  type    = bool
  default = false
}

# A pool that another program created, with an app client for aws_cognito_managed_user_pool_client.
variable "others_pool" {
  type = string
}

locals {
  lambda = "arn:aws:lambda:us-east-1:123456789012:function"
  oidc   = "arn:aws:iam::123456789012:oidc-provider"
  role   = "arn:aws:iam::123456789012:role"
  saml   = "arn:aws:iam::123456789012:saml-provider"
}
