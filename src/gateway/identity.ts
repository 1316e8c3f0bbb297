/** Who is asking, and how applications are told. */
import type { GatewayIdentity } from "../lib/gateway-settings.ts";
import { groupsOf } from "../verify/access.ts";

export interface Identity {
  readonly subject: string;
  readonly issuer: string;
  readonly username: string | undefined;
  readonly email: string | undefined;
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  /** The claims of the ID token, or of the access token that was sent as a bearer token. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Epoch seconds: until when the tokens, or the session, prove it. */
  readonly expiresAt: number;
}

/** Who the claims of a token are about. @param expiresAt epoch milliseconds */
export function identityOf(of: {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[];
  readonly issuer: string;
  readonly groupsClaim: string;
  readonly expiresAt: number;
}): Identity {
  const { claims, scopes, issuer } = of;
  const names = [claims["cognito:username"], claims["username"], claims["preferred_username"]];
  // An address that nobody has verified says nothing about who somebody is.
  const isVerified = claims["email_verified"] === true || claims["email_verified"] === "true";
  return {
    subject: String(claims["sub"]),
    issuer,
    username: names.find((name): name is string => typeof name === "string"),
    email: isVerified && typeof claims["email"] === "string" ? claims["email"] : undefined,
    groups: groupsOf(claims, of.groupsClaim),
    scopes,
    claims,
    expiresAt: Math.floor(of.expiresAt / 1000),
  };
}

/** What applications are told, by the end of the header's name. */
const headers = {
  User: ({ subject }) => subject,
  Issuer: ({ issuer }) => issuer,
  "Preferred-Username": ({ username }) => username,
  Email: ({ email }) => email,
  Groups: ({ groups }) => (groups.length > 0 ? groups.join(",") : undefined),
} as const satisfies Record<string, (identity: Identity) => string | undefined>;

/** The name of the header with the signed token about the user. */
export const tokenHeader = ({ prefix }: GatewayIdentity) => `${prefix}Token`;

/**
 * The headers about somebody, by their names. What a header cannot have is percent-encoded as in a URI, as are percent
 * signs, and commas in the name of a group.
 */
export function identityHeaders(
  { prefix, claims }: GatewayIdentity,
  identity: Identity,
): Record<string, string> {
  const listed = { ...identity, groups: identity.groups.map((one) => one.replaceAll(",", "%2C")) };
  const values = [
    ...Object.entries(headers).map(([name, of]) => [name, of(listed)] as const),
    ...Object.entries(claims).map(([name, claim]) => [name, claimText(identity.claims[claim])] as const),
  ];
  return Object.fromEntries(
    values.flatMap(([name, value]) =>
      value === undefined ? [] : [[`${prefix}${name}`, headerValue(value)]],
    ),
  );
}

/** A claim as text: lists and objects as JSON. Undefined if it is absent. */
function claimText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Whether a request's header claims to be one of ours; `_` counts as `-`, which some servers take for the same. */
export function isIdentityHeader({ prefix }: GatewayIdentity, name: string): boolean {
  return name.toLowerCase().replaceAll("_", "-").startsWith(prefix.toLowerCase());
}

function headerValue(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent)
    .trim();
}
