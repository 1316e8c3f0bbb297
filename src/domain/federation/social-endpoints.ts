/** THE table of the social providers' endpoints, in the members of ProviderDetails (CreateIdentityProvider). Pure. */
import type { ProviderType } from "../../store/identity-providers.ts";

export type SocialType = Exclude<ProviderType, "OIDC" | "SAML">;

type Details = Readonly<Record<string, string>>;

/** The version of Facebook's Graph API where api_version is not given. */
export const facebookVersion = "v17.0";

/** What is used where the settings give nothing else; jwks_uri is none that AWS shows. */
export const socialEndpoints: Readonly<Record<SocialType, (given: Details) => Details>> = {
  Google: () => ({
    oidc_issuer: "https://accounts.google.com",
    authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
    token_url: "https://www.googleapis.com/oauth2/v4/token",
    jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
    attributes_url: "https://people.googleapis.com/v1/people/me?personFields=",
    attributes_url_add_attributes: "true",
  }),
  SignInWithApple: () => ({
    oidc_issuer: "https://appleid.apple.com",
    authorize_url: "https://appleid.apple.com/auth/authorize",
    token_url: "https://appleid.apple.com/auth/token",
    jwks_uri: "https://appleid.apple.com/auth/keys",
    attributes_url_add_attributes: "false",
  }),
  Facebook: ({ api_version: version = facebookVersion }) => ({
    authorize_url: `https://www.facebook.com/${version}/dialog/oauth`,
    token_url: `https://graph.facebook.com/${version}/oauth/access_token`,
    attributes_url: `https://graph.facebook.com/${version}/me?fields=`,
    attributes_url_add_attributes: "true",
  }),
  LoginWithAmazon: () => ({
    authorize_url: "https://www.amazon.com/ap/oa",
    token_url: "https://api.amazon.com/auth/o2/token",
    attributes_url: "https://api.amazon.com/user/profile",
    attributes_url_add_attributes: "false",
  }),
};
