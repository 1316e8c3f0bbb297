/** Identity providers of pools, made through the API. */
import assert from "node:assert/strict";
import {
  CreateIdentityProviderCommand,
  type CreateIdentityProviderCommandInput,
  DescribeIdentityProviderCommand,
  type IdentityProviderType,
  type IdentityProviderTypeType,
} from "@aws-sdk/client-cognito-identity-provider";
import type { TestServer } from "./server.ts";

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

export const providerTypes = Object.keys(least) as IdentityProviderTypeType[];

export async function createProvider(
  { client }: Pick<TestServer, "client">,
  UserPoolId: string,
  given: Given,
): Promise<IdentityProviderType> {
  const made = await client.send(new CreateIdentityProviderCommand({ UserPoolId, ...given }));
  return made.IdentityProvider ?? assert.fail("no provider");
}

export async function describeProvider(
  { client }: Pick<TestServer, "client">,
  UserPoolId: string,
  ProviderName: string,
): Promise<IdentityProviderType> {
  const key = { UserPoolId, ProviderName };
  const found = await client.send(new DescribeIdentityProviderCommand(key));
  return found.IdentityProvider ?? assert.fail("no provider");
}

/** A provider of type OIDC, of any name. */
export const openIdProvider = (ProviderName: string, more: Partial<Given> = {}): Given => ({
  ...least.OIDC,
  ProviderName,
  ...more,
});

/** The least that a type takes with other details; those of undefined are left out. */
export function providerWith(
  type: IdentityProviderTypeType,
  change: Readonly<Record<string, string | undefined>>,
): Given & { readonly ProviderDetails: Details } {
  const all: Readonly<Record<string, string | undefined>> = { ...least[type].ProviderDetails, ...change };
  const given = Object.entries(all).filter((one): one is [string, string] => one[1] !== undefined);
  return { ...least[type], ProviderDetails: Object.fromEntries(given) };
}
