/** How identities at providers are named and compared, and the attribute that lists those of a user. Pure. */
import { sha256Base64url } from "../../lib/bytes.ts";
import type { LinkedIdentity } from "../../store/linked-identities.ts";
import type { Provider } from "./provider.ts";

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

/**
 * The key of the row which says that an administrator has ended a link of this user to the provider: no e-mail address makes
 * another one. It names no identity.
 */
export function endedKey(userId: string): string {
  return sha256Base64url(JSON.stringify(["ended", userId]));
}

/**
 * The issuer under which an administrator's link waits for its first sign-in: that of an OpenID provider's settings. Empty
 * for all others, whose settings name none; such a link is good for whatever the provider is aimed at.
 */
export function expectedIssuer({ type, details }: Pick<Provider, "type" | "details">): string {
  return type === "OIDC" ? (details["oidc_issuer"] ?? "") : "";
}

/** An element of the attribute `identities`, as GetUser, AdminGetUser and ListUsers return it. */
export interface ListedIdentity {
  readonly userId: string;
  readonly providerName: string;
  readonly providerType: Provider["type"];
  /** The entity id of a SAML provider. */
  readonly issuer: string | null;
  readonly primary: boolean;
  /** Epoch milliseconds. */
  readonly dateCreated: number;
}

type Attributes = Readonly<Record<string, string>>;

/** The identities that a user's attributes list. */
export function listedIdentities(attributes: Attributes): readonly ListedIdentity[] {
  return JSON.parse(attributes["identities"] ?? "[]");
}

/** A linked identity as the attribute lists it. */
export function listedIdentity(
  { type }: Pick<Provider, "type">,
  { provider, value, primary, createdAt }: LinkedIdentity,
  issuer: string,
): ListedIdentity {
  return {
    userId: value,
    providerName: provider,
    providerType: type,
    issuer: type === "SAML" && issuer !== "" ? issuer : null,
    primary,
    dateCreated: createdAt,
  };
}

/** The attributes of a user with these identities. */
export function withIdentities(attributes: Attributes, identities: readonly ListedIdentity[]): Attributes {
  const { identities: _, ...others } = attributes;
  return identities.length === 0 ? others : { ...others, identities: JSON.stringify(identities) };
}

/** Whether an element of the attribute stands for a stored identity. */
export const isSame = (listed: ListedIdentity, { provider, value }: LinkedIdentity): boolean =>
  listed.providerName === provider && listed.userId === value;
