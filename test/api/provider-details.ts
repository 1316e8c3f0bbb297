/** What each type of identity provider is described with, and everything that its details may not be. */
import type { IdentityProviderTypeType } from "@aws-sdk/client-cognito-identity-provider";
import { type Details, metadata } from "../kit/providers.ts";

/** What DescribeIdentityProvider adds to the details of `least`, measured at AWS for Google and SAML. */
export const added: Readonly<Record<IdentityProviderTypeType, Details>> = {
  Google: {
    attributes_url: "https://people.googleapis.com/v1/people/me?personFields=",
    attributes_url_add_attributes: "true",
    authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
    oidc_issuer: "https://accounts.google.com",
    token_request_method: "POST",
    token_url: "https://www.googleapis.com/oauth2/v4/token",
  },
  Facebook: {
    attributes_url: "https://graph.facebook.com/v17.0/me?fields=",
    attributes_url_add_attributes: "true",
    authorize_url: "https://www.facebook.com/v17.0/dialog/oauth",
    token_request_method: "GET",
    token_url: "https://graph.facebook.com/v17.0/oauth/access_token",
  },
  LoginWithAmazon: {
    attributes_url: "https://api.amazon.com/user/profile",
    attributes_url_add_attributes: "false",
    authorize_url: "https://www.amazon.com/ap/oa",
    token_request_method: "POST",
    token_url: "https://api.amazon.com/auth/o2/token",
  },
  SignInWithApple: {
    attributes_url_add_attributes: "false",
    authorize_url: "https://appleid.apple.com/auth/authorize",
    oidc_issuer: "https://appleid.apple.com",
    token_request_method: "POST",
    token_url: "https://appleid.apple.com/auth/token",
  },
  OIDC: { attributes_url_add_attributes: "false" },
  SAML: {
    SSORedirectBindingURI: "https://saml.example/sso",
    SLORedirectBindingURI: "https://saml.example/slo",
  },
};

export const firstMapping: Readonly<Record<IdentityProviderTypeType, Details>> = {
  Google: { username: "sub" },
  Facebook: { username: "id" },
  LoginWithAmazon: { username: "user_id" },
  SignInWithApple: { username: "sub" },
  OIDC: { username: "sub" },
  SAML: {},
};

const everyChoice = (member: string, value: string, values: string) =>
  `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ` +
  `Member must satisfy enum value set: [${values}]`;

const socialRequired = "clientId, clientSecret and authorizeScopes are all required idp details.";
const appleRequired = "clientId, privateKey, teamId, and keyId are all required idp details.";
const oidcRequired =
  "clientId, authorizeScopes, oidcIssuer and attributesRequestMethod are all required idp details.";
const https = "OIDC endpoint must start with https://";
const noFile = "At least one of the MetadataURL or MetadataFile should be provided.";
const unusable = /^The SAML metadata cannot be used: ./;

type Refused = readonly [
  type: IdentityProviderTypeType,
  change: Readonly<Record<string, string | undefined>>,
  message: string | RegExp,
];

const missing = (type: IdentityProviderTypeType, sentence: string, ...members: string[]): Refused[] =>
  members.flatMap((member): Refused[] => [
    [type, { [member]: undefined }, sentence],
    [type, { [member]: "" }, sentence],
  ]);

const notUrls = ["", "op.example", "ftp://op.example", "javascript:alert(1)", "https://", "https:op.example"];

/** Details that are refused with InvalidParameterException: what differs from `least`, and the answer. */
export const refusedDetails: readonly Refused[] = [
  ...(["Google", "Facebook", "LoginWithAmazon"] as const).flatMap((type) =>
    missing(type, socialRequired, "client_id", "client_secret", "authorize_scopes"),
  ),
  ...missing("SignInWithApple", appleRequired, "client_id", "team_id", "key_id", "private_key"),
  ...missing(
    "OIDC",
    oidcRequired,
    ...["client_id", "authorize_scopes", "oidc_issuer", "attributes_request_method"],
  ),
  ...missing("SAML", noFile, "MetadataFile"),
  [
    "SAML",
    { MetadataURL: "https://saml.example/metadata" },
    "Only one of the MetadataURL or MetadataFile should be provided.",
  ],
  // Members of other types, and misspelled ones.
  ["Google", { api_version: "v17.0" }, "ProviderDetails of type Google has no member api_version."],
  [
    "SignInWithApple",
    { client_secret: "x" },
    "ProviderDetails of type SignInWithApple has no member client_secret.",
  ],
  ["OIDC", { MetadataFile: metadata() }, "ProviderDetails of type OIDC has no member MetadataFile."],
  [
    "SAML",
    { IDPSignOut: "true" },
    "ProviderDetails of type SAML has no member IDPSignOut. Did you mean IDPSignout?",
  ],
  ["SAML", { client_id: "x" }, "ProviderDetails of type SAML has no member client_id."],
  ["OIDC", { toString: "x" }, "ProviderDetails of type OIDC has no member toString."],
  // Values of a few.
  ["OIDC", { attributes_request_method: "PUT" }, everyChoice("attributesRequestMethod", "PUT", "POST, GET")],
  ["Google", { token_request_method: "post" }, everyChoice("tokenRequestMethod", "post", "POST, GET")],
  [
    "Google",
    { attributes_url_add_attributes: "yes" },
    everyChoice("attributesUrlAddAttributes", "yes", "true, false"),
  ],
  ["SAML", { IDPSignout: "True" }, everyChoice("idpSignout", "True", "true, false")],
  ["SAML", { IDPInit: "" }, everyChoice("idpInit", "", "true, false")],
  ["SAML", { EncryptedResponses: "1" }, everyChoice("encryptedResponses", "1", "true, false")],
  [
    "SAML",
    { RequestSigningAlgorithm: "rsa-sha1" },
    everyChoice("requestSigningAlgorithm", "rsa-sha1", "rsa-sha256"),
  ],
  ["Facebook", { api_version: "17" }, "api_version must be a version such as v17.0."],
  // Endpoints.
  ...notUrls.flatMap((url): Refused[] => [
    ["OIDC", { token_url: url }, "token_url is not a valid URL."],
    ["Google", { authorize_url: url }, "authorize_url is not a valid URL."],
  ]),
  ["OIDC", { oidc_issuer: "op.example" }, "oidc_issuer is not a valid URL."],
  ["OIDC", { oidc_issuer: "http://op.example" }, https],
  ["OIDC", { jwks_uri: "http://op.example/jwks" }, https],
  ["SignInWithApple", { token_url: "http://apple.example/token" }, https],
  ["OIDC", { oidc_issuer: "https://op.example?a=b" }, "oidc_issuer cannot contain a query."],
  [
    "OIDC",
    { token_url: "https://me:me@op.example" },
    "token_url cannot contain a user name, a password or a fragment.",
  ],
  [
    "OIDC",
    { authorize_url: "https://op.example/auth#here" },
    "authorize_url cannot contain a user name, a password or a fragment.",
  ],
  [
    "SAML",
    { MetadataFile: undefined, MetadataURL: "http://saml.example" },
    "MetadataURL must start with https://",
  ],
  // Metadata.
  ["SAML", { MetadataFile: "no metadata" }, unusable],
  ["SAML", { MetadataFile: "<EntityDescriptor/>" }, unusable],
  ["SAML", { MetadataFile: `<!DOCTYPE a [<!ENTITY b "c">]>${metadata()}` }, unusable],
  ["SAML", { MetadataFile: metadata({ attributes: ' validUntil="2020-01-01T00:00:00Z"' }) }, unusable],
  ["SAML", { MetadataFile: metadata().replaceAll("IDPSSODescriptor", "SPSSODescriptor") }, unusable],
  ["SAML", { MetadataFile: metadata().replace(/<md:KeyDescriptor.*<\/md:KeyDescriptor>/s, "") }, unusable],
  [
    "SAML",
    { MetadataFile: metadata().replaceAll("SingleSignOnService", "ArtifactResolutionService") },
    unusable,
  ],
];
