/**
 * The claims of ID and access tokens ("Understanding the identity (ID) token" and "Understanding the access token",
 * Amazon Cognito Developer Guide). Pure.
 */
import { sha256, toBase64url } from "../../lib/bytes.ts";
import type { User } from "../../store/users.ts";
import type { GroupClaims } from "../triggers/token-generation.ts";

export interface Group {
  readonly name: string;
  readonly roleArn: string | null;
  readonly precedence: number | null;
}

export interface ClaimFacts {
  readonly issuer: string;
  readonly clientId: string;
  readonly user: User;
  /** The user's groups, ordered by precedence, lowest number first; those without one come last. */
  readonly groups: readonly Group[];
  readonly familyId: string;
  /** Undefined if the client has token revocation turned off. */
  readonly originJti: string | undefined;
  readonly deviceKey: string | undefined;
  readonly scope: string;
  /** Whether the sign-in went through the authorization server or the API. */
  readonly origin: "oauth" | "api";
  /** The audience of the access token (RFC 8707). */
  readonly resource: string | undefined;
  /** When the user authenticated, here or at the identity provider. Epoch milliseconds. */
  readonly authTime: number;
  readonly now: number;
  readonly jti: string;
  /** Lifetime of the token in seconds. */
  readonly lifetime: number;
  /** Whether the client may read an attribute, under the scopes of this token. */
  readonly canRead: (attribute: string) => boolean;
  /** The nonce of the authorization request. */
  readonly nonce?: string | undefined;
}

export type Claims = Record<string, unknown>;

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

function commonClaims(facts: ClaimFacts): Claims {
  return {
    sub: facts.user.id,
    ...(facts.groups.length > 0 && { "cognito:groups": facts.groups.map((group) => group.name) }),
    iss: facts.issuer,
    ...(facts.originJti !== undefined && { origin_jti: facts.originJti }),
    event_id: facts.familyId,
    auth_time: seconds(facts.authTime),
    exp: seconds(facts.now) + facts.lifetime,
    iat: seconds(facts.now),
    jti: facts.jti,
  };
}

export function accessTokenClaims(facts: ClaimFacts): Claims {
  return {
    ...commonClaims(facts),
    ...(facts.deviceKey !== undefined && { device_key: facts.deviceKey }),
    client_id: facts.clientId,
    token_use: "access",
    ...(facts.origin === "oauth" && { version: 2 }),
    ...(facts.resource !== undefined && { aud: facts.resource }),
    scope: facts.scope,
    username: facts.user.username,
  };
}

/** The claims of an ID token without `at_hash`, which depends on the signed access token. */
export function idTokenClaims(facts: ClaimFacts): Claims {
  const { roles, preferredRole } = groupClaims(facts.groups);
  return {
    ...attributeClaims(facts),
    ...commonClaims(facts),
    ...(roles.length > 0 && { "cognito:roles": roles }),
    ...(preferredRole !== undefined && { "cognito:preferred_role": preferredRole }),
    "cognito:username": facts.user.username,
    ...identityClaim(facts.user),
    aud: facts.clientId,
    token_use: "id",
    ...(facts.nonce !== undefined && { nonce: facts.nonce }),
  };
}

/**
 * The claim `identities` of users who sign in with identity providers, whatever the client may read. All its values are
 * text, unlike those of the attribute.
 */
function identityClaim({ attributes }: Pick<User, "attributes">): Claims {
  if (attributes["identities"] === undefined) return {};
  const listed: Readonly<Record<string, unknown>>[] = JSON.parse(attributes["identities"]);
  const identities = listed.map((one) => ({
    ...one,
    primary: String(one["primary"]),
    dateCreated: String(one["dateCreated"]),
  }));
  return { identities };
}

/**
 * `at_hash` (OpenID Connect Core 1.0 section 3.1.3.6): the left half of the token's SHA-256, which is the hash of
 * RS256.
 */
export function accessTokenHash(token: string): string {
  return toBase64url(sha256(token).subarray(0, 16));
}

/** What tokens say of a user's groups. */
export function groupClaims(groups: readonly Group[]): GroupClaims {
  const roles = groups.map((group) => group.roleArn).filter((role) => role !== null);
  return {
    groups: groups.map((group) => group.name),
    roles: [...new Set(roles)],
    preferredRole: preferredRole(groups),
  };
}

/**
 * The role of the group with the lowest precedence number; none if several groups with that number have different roles
 * ("Assigning precedence values to groups", Amazon Cognito Developer Guide).
 */
export function preferredRole(groups: readonly Group[]): string | undefined {
  const withRole = groups.filter((group) => group.roleArn !== null && group.precedence !== null);
  const lowest = Math.min(...withRole.map((group) => group.precedence!));
  const roles = new Set(
    withRole.filter((group) => group.precedence === lowest).map((group) => group.roleArn),
  );
  const [role] = roles;
  return roles.size === 1 && role !== null ? role : undefined;
}

/** Attributes that become claims of other types; all others stay text, as do custom attributes. */
const claimTypes: Readonly<Record<string, (value: string) => unknown>> = {
  email_verified: (value) => value === "true",
  phone_number_verified: (value) => value === "true",
  updated_at: Number,
  address: (value) => ({ formatted: value }),
};

/** Names of attributes that never become claims, whatever their value. */
const notAttributes = new Set(["sub", "identities"]);

function attributeClaims(facts: ClaimFacts): Claims {
  const readable = Object.entries(facts.user.attributes).filter(
    ([name]) => !notAttributes.has(name) && facts.canRead(name),
  );
  return Object.fromEntries(readable.map(([name, value]) => [name, attributeClaim(name, value)]));
}

/** An attribute's value as a claim of its type. */
export function attributeClaim(name: string, value: string): unknown {
  return claimTypes[name]?.(value) ?? value;
}
