/** Who is asking, and how applications are told. */
import type { GatewayIdentity } from "../lib/gateway-settings.ts";
import { groupsOf } from "../verify/access.ts";
import { looseName } from "./headers.ts";

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
  User: ({ subject }) => headerValue(subject),
  Issuer: ({ issuer }) => headerValue(issuer),
  "Preferred-Username": ({ username }) => username && headerValue(username),
  Email: ({ email }) => email && headerValue(email),
  Groups: ({ groups }) =>
    groups.length > 0 ? groups.map((one) => headerValue(one).replaceAll(",", "%2C")).join(",") : undefined,
} as const satisfies Record<string, (identity: Identity) => string | undefined>;

/** The name of the header with the signed token about the user. */
export const tokenHeader = ({ prefix }: GatewayIdentity) => `${prefix}Token`;

/** The names of all headers that there can be. */
export function headerNames(identity: GatewayIdentity): readonly string[] {
  const ends = [...Object.keys(headers), ...Object.keys(identity.claims)];
  const names = ends.map((name) => `${identity.prefix}${name}`);
  return identity.token === undefined ? names : [...names, tokenHeader(identity)];
}

/**
 * The headers about somebody, by their names. What a header cannot have is percent-encoded as in a URI, as are percent
 * signs, and commas in the name of a group.
 */
export function identityHeaders(
  { prefix, claims }: GatewayIdentity,
  identity: Identity,
): Record<string, string> {
  const values = [
    ...Object.entries(headers).map(([name, of]) => [name, of(identity)] as const),
    ...Object.entries(claims).map(([name, claim]) => [name, encodedClaim(identity, claim)] as const),
  ];
  return Object.fromEntries(
    values.flatMap(([name, value]) => (value === undefined ? [] : [[`${prefix}${name}`, value]])),
  );
}

/** A claim, unless it is an address that nobody has verified: users may give themselves any. */
export function provenClaim({ claims, email }: Identity, name: string): unknown {
  if (name === "email") return email;
  if (name === "phone_number" && String(claims["phone_number_verified"]) !== "true") return undefined;
  return claims[name];
}

/** A claim as a header has it: lists and objects as JSON. Undefined if it is absent. */
function encodedClaim(identity: Identity, name: string): string | undefined {
  const value = provenClaim(identity, name);
  if (value === undefined || value === null) return undefined;
  return headerValue(typeof value === "object" ? JSON.stringify(value) : String(value));
}

/** Whether a request's header claims to be one of ours, also to servers that read names carelessly. */
export function isIdentityHeader({ prefix }: GatewayIdentity, name: string): boolean {
  return looseName(name).startsWith(prefix.toLowerCase());
}

function headerValue(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[^\x20-\x24\x26-\x7e]/gu, encodeURIComponent)
    .trim();
}
