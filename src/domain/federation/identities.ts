/** How identities at providers are named and compared. Pure. */
import { sha256Base64url } from "../../lib/bytes.ts";

/** The attribute that stands for the provider's own id of a user (AdminLinkProviderForUser, SourceUser). */
export const subjectAttribute = "Cognito_Subject";

/**
 * The key of an identity. The issuer is part of it: if a provider's settings are aimed at another issuer, nobody there
 * is anybody here. Compared exactly, also for SAML's NameID.
 * @param attribute `Cognito_Subject`, or the name of a claim
 */
export function identityKey(issuer: string, attribute: string, value: string): string {
  return sha256Base64url(JSON.stringify([issuer, attribute, value]));
}
