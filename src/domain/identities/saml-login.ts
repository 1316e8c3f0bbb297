/**
 * Logins of SAML providers that identity pools trust ("SAML providers as an identity pool IdP", Amazon Cognito Developer
 * Guide): the token is the base64 of a Response, as the provider posts it.
 */
import type { Ctx } from "../../app.ts";
import type { Config } from "../../config/config.ts";
import { isStorable } from "../../lib/text.ts";
import { identityPoolsOwner } from "../../store/signing-keys.ts";
import { readTrustedProvider, type TrustedSaml } from "../../store/trusted-providers.ts";
import { refuse } from "../../wire/refuse.ts";
import { identityIssuer } from "../identity-pools/provider-names.ts";
import { type Assertion, anyRequest, type Expected } from "../saml/assertion.ts";
import { samlProvider, withItsKeys } from "../saml/provider.ts";
import { verifyResponse } from "../saml/response.ts";
import { fault, SamlFault } from "../saml/xml.ts";
import type { LoginKind } from "./login.ts";

export const samlLogin: LoginKind = async (ctx, pool, name, token) => {
  if (!(pool.document.SamlProviderARNs ?? []).includes(name)) return undefined;
  const provider = await readTrustedProvider(ctx.db, name);
  if (provider?.kind !== "saml") return undefined;
  const { name: named, attributes } = await verifyAssertion(ctx, provider, token);
  const roles = rolesIn(attributes[roleAttribute], name);
  return {
    provider: name,
    subject: named.nameId,
    mapping: name,
    clientId: undefined,
    claims: attributes,
    ...(roles.length > 0 && { roles }),
  };
};

/** Where AWS's own page for sign-in by SAML is, for which providers are configured that sign in to AWS. */
const awsSignIn = "https://signin.aws.amazon.com/saml";

/** The audiences that count unless the operator has named others: what AWS calls itself, and the issuer of identity pools. */
const usualAudiences = (config: Pick<Config, "publicUrl">): readonly string[] => [
  "urn:amazon:webservices",
  awsSignIn,
  identityIssuer(config),
];

/** The Recipients that count unless the operator has named others. */
const usualRecipients: readonly string[] = [awsSignIn];

/**
 * The assertion in a Response. It may be presented again while it is valid: an SDK sends the same Logins with GetId and with
 * each GetCredentialsForIdentity. Throws NotAuthorizedException, or ExternalServiceException.
 */
async function verifyAssertion(ctx: Ctx, provider: TrustedSaml, token: string): Promise<Assertion> {
  const { arn, document, updatedAt } = provider;
  const source = { poolId: identityPoolsOwner, name: arn, version: updatedAt, details: document.details };
  const expected: Omit<Expected, "provider"> = {
    audiences: document.audiences ?? usualAudiences(ctx.config),
    recipients: document.recipients ?? usualRecipients,
    requestId: anyRequest,
    now: ctx.now,
    freshSince: undefined,
    isEncryptionDemanded: false,
    decryptionKey: undefined,
  };
  const metadata = await samlProvider(ctx, source).catch(unavailable);
  try {
    const assertion = await withItsKeys(ctx, source, metadata, (by) =>
      verifyResponse(token, { ...expected, provider: by }),
    );
    checkName(assertion);
    return assertion;
  } catch (error) {
    if (!(error instanceof SamlFault)) throw error;
    const { message, cause } = error;
    return refuse(
      "NotAuthorizedException",
      `Invalid login token. The SAML response was refused: ${message}`,
      cause instanceof Error ? cause.message : undefined,
    );
  }
}

/** Refuses for metadata that cannot be had: the token is not to blame. */
function unavailable(error: unknown): never {
  if (!(error instanceof SamlFault)) throw error;
  return refuse(
    "ExternalServiceException",
    "The metadata of the identity provider is not available.",
    error.message,
  );
}

const transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/** A NameID that is another one with each sign-in would be another identity each time. */
function checkName({ name: { nameId, nameIdFormat } }: Assertion): void {
  if (nameIdFormat === transient) fault("the NameID is transient, and names nobody the next time.");
  if (!isStorable(nameId)) fault("the NameID has characters that cannot be stored.");
}

/** The attribute with the user's roles ("Configure SAML assertions for the authentication response", IAM User Guide). */
const roleAttribute = "https://aws.amazon.com/SAML/Attributes/Role";

/** The roles of values that pair one with this provider, in either order. */
function rolesIn(given: Assertion["attributes"][string] | undefined, providerArn: string): string[] {
  const values = given === undefined ? [] : [given].flat();
  const roles = values.flatMap((value) => {
    const [one, other, ...more] = value.split(",").map((part) => part.trim());
    if (one === undefined || other === undefined || more.length > 0) return [];
    if (other === providerArn) return [one];
    return one === providerArn ? [other] : [];
  });
  return [...new Set(roles)];
}
