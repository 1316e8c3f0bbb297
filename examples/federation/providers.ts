/**
 * What is entered in the pool about each identity provider: ProviderDetails and AttributeMapping. With the endpoints left
 * out, Google and Facebook are the real ones.
 */
import type { CreateIdentityProviderCommandInput } from "@aws-sdk/client-cognito-identity-provider";

type Given = Omit<CreateIdentityProviderCommandInput, "UserPoolId">;

/** Where the stand-ins are, and our secrets there. URLs are without a slash at the end. */
export interface StandIns {
  readonly google: string;
  readonly googleSecret: string;
  readonly facebook: string;
  readonly facebookSecret: string;
  readonly openid: string;
  readonly openidSecret: string;
  /** The metadata of the SAML provider. */
  readonly saml: string;
}

/** Endpoints of oidc-provider. */
const openIdEndpoints = (at: string) => ({
  oidc_issuer: at,
  authorize_url: `${at}/auth`,
  token_url: `${at}/token`,
  attributes_url: `${at}/me`,
  jwks_uri: `${at}/jwks`,
});

/** @param at where Google is, without a slash at the end */
export const googleAt = (at: string, secret: string): Given => ({
  ProviderName: "Google",
  ProviderType: "Google",
  ProviderDetails: {
    client_id: "our-app-at-google",
    client_secret: secret,
    authorize_scopes: "profile email openid",
    // Not for the real Google.
    ...openIdEndpoints(at),
    attributes_url_add_attributes: "false",
  },
  AttributeMapping: { email: "email", email_verified: "email_verified", name: "name" },
});

export const providersAt = (at: StandIns): readonly Given[] => [
  googleAt(at.google, at.googleSecret),
  {
    ProviderName: "Facebook",
    ProviderType: "Facebook",
    ProviderDetails: {
      client_id: "our-app-at-facebook",
      client_secret: at.facebookSecret,
      authorize_scopes: "public_profile,email",
      // Not for the real Facebook.
      authorize_url: `${at.facebook}/dialog/oauth`,
      token_url: `${at.facebook}/oauth/access_token`,
      attributes_url: `${at.facebook}/me?fields=`,
    },
    AttributeMapping: { email: "email", name: "name" },
  },
  {
    ProviderName: "Corporate",
    ProviderType: "OIDC",
    ProviderDetails: {
      client_id: "our-app-at-corporate",
      client_secret: at.openidSecret,
      authorize_scopes: "openid profile email",
      attributes_request_method: "GET",
      // A provider that runs already needs its issuer alone: the rest is discovered.
      ...openIdEndpoints(at.openid),
    },
    AttributeMapping: { email: "email", email_verified: "email_verified", name: "name" },
  },
  {
    ProviderName: "Campus",
    ProviderType: "SAML",
    ProviderDetails: { MetadataFile: at.saml, RequestSigningAlgorithm: "rsa-sha256", IDPSignout: "true" },
    AttributeMapping: { email: "email", name: "displayName" },
  },
];
