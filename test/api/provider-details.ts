/** Identity providers of each type, and everything that their details may not be. */
import type {
  CreateIdentityProviderCommandInput,
  IdentityProviderTypeType,
} from "@aws-sdk/client-cognito-identity-provider";

export type Details = Record<string, string>;
export type Given = Omit<CreateIdentityProviderCommandInput, "UserPoolId">;

const application = { client_id: "app-1", client_secret: "s3cret-of-app" } as const;

/** Metadata of a SAML provider, with services of the redirect binding. */
export function metadata(options: { readonly logout?: boolean; readonly attributes?: string } = {}): string {
  const service = (name: string, path: string) =>
    `<md:${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://saml.example/${path}"/>`;
  return (
    `<?xml version="1.0"?>\n<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` +
    `entityID="https://saml.example/idp"${options.attributes ?? ""}>` +
    `<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
    `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>` +
    `<ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
    (options.logout === false ? "" : service("SingleLogoutService", "slo")) +
    `${service("SingleSignOnService", "sso")}</md:IDPSSODescriptor></md:EntityDescriptor>\n`
  );
}

/** Of a key that nobody has any more. */
const certificate =
  "MIIDDzCCAfegAwIBAgIUXbq7OoMtATBRHhKJyzAOqEMLflAwDQYJKoZIhvcNAQELBQAwFzEVMBMGA1UEAwwMc2FtbC" +
  "5leGFtcGxlMB4XDTI2MTEzMDE0MzA0MFoXDTM2MTEyNzE0MzA0MFowFzEVMBMGA1UEAwwMc2FtbC5leGFtcGxlMIIB" +
  "IjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq6O98WEF8gqhga6amdw7+prKDSV3h5mVEEA+9T9r14sD7DTA8D" +
  "ETHnOuwfUwjw0ZxDvaovUFOIJOS3SLaeYmdqajieVzIvHv/x3r6qbwFHk0w3iGm6jwEz5bNBxYfuwziOJmFpNQus6h" +
  "P+tgRdaNS+imoKjEHrksmCirGlGVFiG5Adz7iJp/6zdwbQljzqYvTBSty/UF33bwsWjmF4hZaSGGV1JWmmOJWE86VB" +
  "YdM8rR/A8Xtfa01WK1ZSNFifWGtRz18dkqnQ50ayv6j2t5Mzois6LxV9ggoGlKw43MCc0+r7M+qT0vP9m7um0eIU1p" +
  "9Kjkjjat+fwU35N81DLrXwIDAQABo1MwUTAdBgNVHQ4EFgQUMNo/TgAWjrwONzOeFyKLGBZ1P5kwHwYDVR0jBBgwFo" +
  "AUMNo/TgAWjrwONzOeFyKLGBZ1P5kwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAQFmlgbVaaWnG" +
  "JxIF6UQDEw0K2TM7dHWz6o6wMPEjP6EYrX8QR5SzgRvRkdBrC3ziSqH6GpydbnHo56yB344ehxGAvmm0y3Y+vBWuPz" +
  "vgAt6gkTfVldv9LwGH7QUs59BD2QfHYTXOTJ8+zg2x8m0T+Zd7BZcDx9GhO8oLwYg01rOEPRCBt5u/qoZbGO8K9Icy" +
  "GB3lAkx6fW9d1IfcvnH8vx0OBqnlY/v0sDSXxyCEKTXUV5HDAXuPrqVxxpwuaL1Vhc5PRCku2L+SNWYOfm12U75NbA" +
  "DOxSiJ13o9a177AH9xqQA5Vkr1BOjBrdx4vn3+FXl9o1CcBnr5NIYMfG1r3w==";

/** The four endpoints, with which nothing is discovered. */
export const oidcEndpoints = {
  authorize_url: "https://op.example/auth",
  token_url: "https://op.example/token",
  attributes_url: "https://op.example/me",
  jwks_uri: "https://op.example/jwks",
} as const;

/** The least that each type takes. */
export const least: Readonly<Record<IdentityProviderTypeType, Given>> = {
  Google: {
    ProviderName: "Google",
    ProviderType: "Google",
    ProviderDetails: { ...application, authorize_scopes: "email profile openid" },
  },
  Facebook: {
    ProviderName: "Facebook",
    ProviderType: "Facebook",
    ProviderDetails: { ...application, authorize_scopes: "public_profile, email" },
  },
  LoginWithAmazon: {
    ProviderName: "LoginWithAmazon",
    ProviderType: "LoginWithAmazon",
    ProviderDetails: { ...application, authorize_scopes: "profile postal_code" },
  },
  SignInWithApple: {
    ProviderName: "SignInWithApple",
    ProviderType: "SignInWithApple",
    ProviderDetails: {
      client_id: "com.example.app",
      team_id: "TEAM123456",
      key_id: "KEY1234567",
      private_key: "k3y-of-team",
      authorize_scopes: "email name",
    },
  },
  OIDC: {
    ProviderName: "Corporate",
    ProviderType: "OIDC",
    ProviderDetails: {
      client_id: "app-1",
      authorize_scopes: "openid email",
      oidc_issuer: "https://op.example",
      attributes_request_method: "GET",
      ...oidcEndpoints,
    },
  },
  SAML: {
    ProviderName: "Campus",
    ProviderType: "SAML",
    ProviderDetails: { MetadataFile: metadata() },
  },
};

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
const unusable = (why: string) => `The SAML metadata cannot be used: ${why}.`;

type Refused = readonly [
  type: IdentityProviderTypeType,
  change: Readonly<Record<string, string | undefined>>,
  message: string,
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
  ["SignInWithApple", { client_secret: "x" }, "ProviderDetails of type SignInWithApple has no member client_secret."],
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
  ["SAML", { RequestSigningAlgorithm: "rsa-sha1" }, everyChoice("requestSigningAlgorithm", "rsa-sha1", "rsa-sha256")],
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
  ["SAML", { MetadataFile: "no metadata" }, unusable("it is not well-formed XML")],
  ["SAML", { MetadataFile: "<a>" }, unusable("it is not well-formed XML")],
  ["SAML", { MetadataFile: "<EntityDescriptor/>" }, unusable("its root is no EntityDescriptor")],
  [
    "SAML",
    { MetadataFile: `<!DOCTYPE a [<!ENTITY b "c">]>${metadata()}` },
    unusable("it has a document type declaration"),
  ],
  [
    "SAML",
    { MetadataFile: metadata({ attributes: ' validUntil="2020-01-01T00:00:00Z"' }) },
    unusable("it is no longer valid (validUntil)"),
  ],
  [
    "SAML",
    { MetadataFile: metadata().replaceAll("IDPSSODescriptor", "SPSSODescriptor") },
    unusable("it must have one IDPSSODescriptor"),
  ],
  [
    "SAML",
    { MetadataFile: metadata().replace(/<md:KeyDescriptor.*<\/md:KeyDescriptor>/s, "") },
    unusable("it has no KeyDescriptor"),
  ],
  [
    "SAML",
    { MetadataFile: metadata().replaceAll("SingleSignOnService", "ArtifactResolutionService") },
    unusable("it has no SingleSignOnService"),
  ],
];
